import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { env } from "node:process";
import { test } from "node:test";
import type { Engine } from "../engine.js";
import { endingSuite } from "../testing/ending-suite.js";
import { entranceSuite } from "../testing/entrance-suite.js";
import { holdingSuite } from "../testing/holding-suite.js";
import { relaySuite } from "../testing/relay-suite.js";
import { openClient, startEcho } from "../testing/peers.js";
import { inTurn, QUIET, startRig, until } from "../testing/rig.js";
import { routingSuite } from "../testing/routing-suite.js";
import { tellingSuite } from "../testing/telling-suite.js";
import { loadAddon } from "./addon.js";
import { createNativeEngine } from "./native-engine.js";

/** Another build of the addon, such as one with sanitizers. */
const addon = loadAddon(env["SEAMLESS_ADDON"]);

for (const threads of [1, 3]) {
  const create = (maxConnections = 10_000, tellEnds = false): Engine =>
    createNativeEngine({ ...QUIET, addon, threads, maxConnections, tellEnds });
  for (const suite of [routingSuite, relaySuite, holdingSuite, endingSuite, entranceSuite, tellingSuite])
    suite(create);
}

/** The numbers of all sockets of this process. */
function sockets(): number[] {
  return readdirSync("/proc/self/fd")
    .filter((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("socket:");
      } catch {
        return false;
      }
    })
    .map(Number);
}

// A child that was forked has every descriptor until it calls exec; here one keeps them for longer.
test("a closed socket that a child process still has does not speak for a later connection", async (t) => {
  const echo = await startEcho(t);
  const engine = createNativeEngine({ ...QUIET, addon, threads: 1, maxConnections: 100 });
  const { listener, port } = await startRig(t, engine, inTurn(echo));
  const first = await openClient(t, port);
  first.write("x");
  await once(first, "data");
  const own = (first as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
  const others = sockets().filter((descriptor) => descriptor !== own);
  const child = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", ...others] });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  await until(() => listener.closeIdle(echo.id, 1_000) === 1);
  const later = await openClient(t, port);
  later.write("y");
  await once(later, "data");
  first.resetAndDestroy();
  await once(first, "close");
  // Whatever the reset has brought about has happened when this one has been through the same thread.
  const last = await openClient(t, port);
  last.write("z");
  await once(last, "data");
  later.write("y");
  assert.equal(String(await once(later, "data")), "y");
});
