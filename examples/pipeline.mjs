// A step of a CI pipeline: send new connections to the new server, and wait until the old one is safe to stop.
//
//   node examples/pipeline.mjs localhost:4444 localhost:4445 [limit in seconds, default 300]
//
// The proxy is at SEAMLESS_ADDRESS (default 127.0.0.1:6778). Exit codes: 0 the old server has no connection left,
// 1 it still had some when the limit ran out, 2 the switch was refused.
import { connect, SeamlessError } from "@seamless/sdk";

const [oldAddress, newAddress, limitSeconds = "300"] = process.argv.slice(2);
const seamless = connect({ address: process.env.SEAMLESS_ADDRESS ?? "127.0.0.1:6778" });
const limit = AbortSignal.timeout(Number(limitSeconds) * 1000);

try {
  await switchOver();
  process.exitCode = (await drained()) ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
} finally {
  seamless.close();
}

/** Replaces the old address by the new one, in one step. Tries again if someone else changed the list meanwhile. */
async function switchOver() {
  for (;;) {
    const { state } = await seamless.get();
    const listed = state.backends.filter(({ drain }) => !drain);
    const wanted = listed.map(({ address, weight }) => ({
      address: address === oldAddress ? newAddress : address,
      weight,
    }));
    if (!listed.some(({ address }) => address === oldAddress)) {
      // A step that is run again has nothing left to switch.
      if (listed.some(({ address }) => address === newAddress)) return;
      throw new Error(`${oldAddress} is not in the list`);
    }
    try {
      const { state: after } = await seamless.set(wanted, { expectedRevision: state.revision });
      console.log(`revision ${after.revision}: new connections go to ${newAddress}`);
      return;
    } catch (error) {
      if (!(error instanceof SeamlessError) || error.code !== "REVISION_MISMATCH") throw error;
    }
  }
}

/** Waits until the old server has no connection left; false if the limit ran out before. */
async function drained() {
  try {
    for await (const { backends } of seamless.watch({ signal: limit })) {
      const old = backends.find(({ address, drain }) => address === oldAddress && drain);
      if (!old) break;
      console.log(`${oldAddress}: ${old.drain.openConnections} connections left`);
    }
  } catch (error) {
    if (!limit.aborted) throw error;
    console.error(`${oldAddress} still has connections after ${limitSeconds} s`);
    return false;
  }
  console.log(`${oldAddress} is safe to stop`);
  return true;
}
