import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { deadAddress, readAll, startNamed } from "../support/backends.js";
import { startProxy, type LogLine } from "../support/proxy.js";
import { until } from "../support/until.js";
import { endProcessAfter } from "../support/upgrades.js";

const linesOf = (log: readonly LogLine[], event: string): readonly LogLine[] =>
  log.filter((line) => line.event === event);

test("what is logged of one client has one id, and no other client has it, also after an upgrade", async (t) => {
  const proxy = await startProxy(t, { backends: [await deadAddress()] });
  const lines = (): readonly LogLine[] => proxy.log.filter(({ connection }) => connection !== undefined);
  for (const count of [2, 4]) {
    await readAll(proxy.port).catch(() => undefined);
    await until("it is logged", () => lines().length === count);
  }
  endProcessAfter(t, (await proxy.client.upgrade()).pid);
  await readAll(proxy.port).catch(() => undefined);
  await until("the new process logs", () => lines().length === 6);
  const ids = lines().map(({ connection }) => String(connection));
  assert.deepEqual([ids[0], ids[2], ids[4]], [ids[1], ids[3], ids[5]]);
  assert.equal(new Set(ids).size, 3);
  assert.notEqual(ids[0]?.split("-")[0], ids[4]?.split("-")[0]);
  for (const { client, service } of lines()) {
    assert.match(String(client), /^127\.0\.0\.1:\d+$/);
    assert.equal(service, "default");
  }
});

test("of a backend that is a name the address is logged that could not be connected", async (t) => {
  const port = (await deadAddress()).split(":").at(-1) ?? "";
  const proxy = await startProxy(t, { backends: [`localhost:${port}`] });
  await readAll(proxy.port).catch(() => undefined);
  const { backend, address, code } = await proxy.logged("connect-failed");
  assert.deepEqual([backend, code], [`localhost:${port}`, "ECONNREFUSED"]);
  assert.ok(address === `127.0.0.1:${port}` || address === `[::1]:${port}`, String(address));
});

test("a connection that goes well is logged only at debug, when it is over", async (t) => {
  const backend = await startNamed(t, "hello");
  const [quiet, debug] = await Promise.all([
    startProxy(t, { backends: [backend.address] }),
    startProxy(t, { backends: [backend.address], args: ["--log-level", "debug"] }),
  ]);
  for (const { port } of [quiet, debug]) assert.equal(await readAll(port), "hello");
  const { backend: id, cause, bytesOut, waitMs, openMs, level } = await debug.logged("ended");
  assert.deepEqual([id, bytesOut, level], [backend.address, 5, "debug"]);
  assert.ok(cause === "client" || cause === "backend");
  assert.ok(Number(waitMs) >= 0 && Number(openMs) >= 0);
  assert.deepEqual(linesOf(quiet.log, "ended"), []);
});

test("of a flood some lines are written and the rest is told as left out, or all are with --log-rate 0", async (t) => {
  const backend = await startNamed(t, "x");
  for (const [args, isSampled] of [
    [[], true],
    [["--log-rate", "0"], false],
  ] as const) {
    const proxy = await startProxy(t, {
      backends: [backend.address],
      args: ["--log-level", "debug", ...args],
    });
    await Promise.all(Array.from({ length: 200 }, () => readAll(proxy.port)));
    let made = 200;
    const told = (): number =>
      linesOf(proxy.log, "ended").reduce((sum, { leftOut = 0 }) => sum + 1 + Number(leftOut), 0);
    await until("every end is a line, or told to be left out", async () => {
      if (!isSampled) return told() === made;
      await readAll(proxy.port);
      made += 1;
      await until("its end is known", async () => (await proxy.client.get()).state.openConnections === 0);
      return told() === made;
    });
    assert.equal(linesOf(proxy.log, "ended").length === made, !isSampled);
  }
});

test("the steps of its life are published to code that is loaded with it", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const probe = join(folder, "probe.mjs");
  writeFileSync(
    probe,
    `import { subscribe } from "node:diagnostics_channel";
    const tell = ({ event, ...facts }) => process.stderr.write(JSON.stringify({ event: "told-" + event, ...facts }) + "\\n");
    subscribe("seamless.life-cycle", tell);`,
  );
  const proxy = await startProxy(t, {
    backends: ["localhost:1"],
    wrapper: ["env", `NODE_OPTIONS=--import=${probe}`],
  });
  const { grpc } = await proxy.logged("told-ready");
  assert.equal(grpc, proxy.grpc);
  await proxy.stop();
  const told = proxy.log.map(({ event }) => event).filter((event) => event.startsWith("told-"));
  assert.deepEqual(told, ["told-listening", "told-ready", "told-stopping", "told-stopped"]);
});

const STUCK = { timeout: 60_000 };

test("a log that nobody reads stops neither data nor management, and is complete later", STUCK, async (t) => {
  const backend = await startNamed(t, "x");
  const args = ["--log-level", "debug", "--log-rate", "0"];
  const proxy = await startProxy(t, { backends: [backend.address], args });
  const ends = (): number => linesOf(proxy.log, "ended").length;
  proxy.child.stderr?.pause();
  const count = 1_500;
  for (let i = 0; i < count; i++) assert.equal(await readAll(proxy.port), "x");
  const { backends } = (await proxy.client.get()).state;
  assert.equal(backends[0]?.counters?.totalConnections, BigInt(count));
  assert.ok(ends() < count);
  proxy.child.stderr?.resume();
  await until("all lines have come", () => ends() === count);
});
