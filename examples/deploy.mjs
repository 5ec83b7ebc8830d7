// A step of a CI pipeline: deploy the new server, and fail unless every client was served to its end.
//
//   node examples/deploy.mjs localhost:4445 [drain limit in seconds, default 60] [health limit in seconds, default 30]
//
// The proxy is at SEAMLESS_ADDRESS (default 127.0.0.1:6778). Exit codes, as those of seamlessctl deploy: 0 switched and
// the old servers are empty, 1 refused, 6 never healthy and nothing changed, 7 switched but connections were cut.
import { connect, DeployOutcome, DeployPhase } from "@seamless/sdk";

const [newAddress, drainSeconds = "60", healthSeconds = "30"] = process.argv.slice(2);
const seamless = connect({
  address: process.env.SEAMLESS_ADDRESS ?? "127.0.0.1:6778",
  actor: "examples/deploy.mjs",
});

try {
  process.exitCode = await deploy();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  seamless.close();
}

async function deploy() {
  let old = [];
  const verdict = await seamless.deploy([newAddress], {
    healthTimeoutMs: Number(healthSeconds) * 1000,
    drain: { limitMs: Number(drainSeconds) * 1000 },
    onProgress(status) {
      old = status.drains.map(({ address }) => address);
      if (status.phase === DeployPhase.DRAINING)
        console.log(`revision ${status.revision}: waiting for ${old}`);
    },
  });
  switch (verdict.outcome) {
    case DeployOutcome.SWITCHED:
      if (verdict.cut > 0n) {
        console.error(`switched, but ${verdict.cut} connections were cut`);
        return 7;
      }
      console.log(`${old} is safe to stop`);
      return 0;
    case DeployOutcome.NEVER_HEALTHY:
      console.error(`${verdict.reason}; nothing was changed`);
      return 6;
    default:
      console.error(verdict.reason);
      return 1;
  }
}
