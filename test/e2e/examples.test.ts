import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { startEcho } from "../support/backends.js";
import { endAfter, run } from "../support/process.js";
import { root, startProxy } from "../support/proxy.js";

test("the pipeline example switches, waits for the last connection, and says when the old server is safe to stop", async (t) => {
  const [oldServer, newServer] = [await startEcho(t), await startEcho(t)];
  const proxy = await startProxy(t, { backends: [oldServer.address] });
  const client = connect({ port: proxy.port, host: "127.0.0.1" });
  client.write("x");
  await once(client, "data");
  const args = [`${root}examples/pipeline.mjs`, oldServer.address, newServer.address];
  const env = { ...process.env, SEAMLESS_ADDRESS: proxy.grpc };
  const step = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  endAfter(t, step);
  const exited = once(step, "exit");
  const lines: string[] = [];
  for await (const line of createInterface(step.stdout)) {
    lines.push(line);
    if (line.endsWith("1 connections left")) client.end();
  }
  assert.deepEqual(lines, [
    `revision 2: new connections go to ${newServer.address}`,
    `${oldServer.address}: 1 connections left`,
    `${oldServer.address} is safe to stop`,
  ]);
  assert.deepEqual(await exited, [0, null]);
});

test("the pipeline example exits 1 when the limit runs out, and 2 when the old address is not listed", async (t) => {
  const [oldServer, newServer] = [await startEcho(t), await startEcho(t)];
  const proxy = await startProxy(t, { backends: [oldServer.address] });
  const client = connect({ port: proxy.port, host: "127.0.0.1" });
  client.on("error", () => undefined);
  t.after(() => client.destroy());
  client.write("x");
  await once(client, "data");
  const env = { SEAMLESS_ADDRESS: proxy.grpc };
  const args = [`${root}examples/pipeline.mjs`, oldServer.address, newServer.address, "0.3"];
  assert.equal((await run(process.execPath, args, { env })).exitCode, 1);
  const again = await run(process.execPath, args, { env });
  assert.equal(again.exitCode, 2);
  assert.match(again.stderr, /is not in the list/);
});

test("the watch example prints the states", async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, { backends: [echo.address] });
  const env = { ...process.env, SEAMLESS_ADDRESS: proxy.grpc };
  const watcher = spawn(process.execPath, [`${root}examples/watch.mjs`], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  endAfter(t, watcher);
  const lines = createInterface(watcher.stdout)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, `revision 1: ${echo.address} ACTIVE 0`);
  await proxy.client.add(["127.0.0.1:9"]);
  assert.equal((await lines.next()).value, `revision 2: ${echo.address} ACTIVE 0, 127.0.0.1:9 ACTIVE 0`);
});
