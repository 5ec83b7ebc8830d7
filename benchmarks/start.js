// Measures how long the proxy takes from being started to listening, without and with a state file. See README.md.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const USAGE = "node benchmarks/start.js [--starts N]   how often each way, 1 to 999 (default 11)";
const PROGRAM = fileURLToPath(new URL("../src/bin/seamless.js", import.meta.url));
const ARGS = ["127.0.0.1:0", "127.0.0.1:1", "--http-port", "0", "--grpc-port", "0", "--log-format", "json"];

try {
  const { values } = parseArgs({ options: { starts: { type: "string", default: "11" } } });
  if (!/^[1-9]\d{0,2}$/.test(values.starts))
    throw new TypeError(`--starts is not a number: ${values.starts}`);
  await measure(Number(values.starts));
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}

/** Both ways in turn, after one start of each that fills the caches. */
async function measure(starts) {
  const folder = mkdtempSync(join(tmpdir(), "seamless-bench-"));
  try {
    const ways = { alone: [], "with --state": ["--state", join(folder, "state")] };
    const times = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
    for (let round = 0; round <= starts; round++) {
      for (const [way, args] of Object.entries(ways)) {
        const ms = await msToListen(args);
        if (round > 0) times[way].push(ms);
      }
    }
    const date = new Date().toISOString().slice(0, 10);
    console.log(
      `from start to listening, ${starts} starts each, Node ${process.version}, ${cpus()[0]?.model}, ${date}`,
    );
    for (const [way, found] of Object.entries(times)) console.log(`${way}: ${summary(found)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function msToListen(args) {
  // It would have Node read a file of certificates, which takes some 10 ms.
  const env = { ...process.env };
  delete env.NODE_EXTRA_CA_CERTS;
  const startedMs = performance.now();
  const child = spawn(process.execPath, ["--initial-old-space-size=128", PROGRAM, ...ARGS, ...args], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  try {
    for await (const line of createInterface(child.stderr))
      if (line.includes('"listening"')) return performance.now() - startedMs;
    throw new Error("it has ended before it listened");
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
}

function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const [least, median, most] = [0, sorted.length >> 1, sorted.length - 1].map((at) =>
    Math.round(sorted[at]),
  );
  return `median ${median} ms (${least} to ${most})`;
}
