import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect as connectSocket, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect, DrainOutcome } from "@seamless/sdk";
import { readAll, startEcho, startNamed, startWebOrEcho } from "../support/backends.js";
import { CheckedStream } from "../support/checked-stream.js";
import { curlAt } from "../support/curl-at.js";
import { freePorts } from "../support/ports.js";
import { hasProgram } from "../support/programs.js";
import { run } from "../support/process.js";
import { ctl, daemon, startConfigured, startProxy, type RunningProxy } from "../support/proxy.js";
import { until } from "../support/until.js";
import { childrenOf, endProcessAfter, isAlive, listeningSockets } from "../support/upgrades.js";
import { newConnections } from "../support/wrk.js";

const UPGRADES = Number(process.env["SEAMLESS_E2E_UPGRADES"] ?? 20);
const FAILURES = Number(process.env["SEAMLESS_E2E_FAILED_UPGRADES"] ?? 10);
const STREAMS = 100;

async function upgrade(t: TestContext, { client }: Pick<RunningProxy, "client">): Promise<number> {
  const { pid } = await client.upgrade();
  endProcessAfter(t, pid);
  return pid;
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Connects, and resolves with the first that comes. */
async function open(t: TestContext, port: number, say = "hello"): Promise<Socket> {
  const socket = connectSocket(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => undefined);
  socket.write(say);
  await once(socket, "data");
  return socket;
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.on("close", () => resolve()));
}

test(`${UPGRADES} upgrades under full-rate new connections: none is refused or reset, no stream loses a byte`, async (t) => {
  if (!hasProgram(t, "wrk")) return;
  const backend = await startWebOrEcho(t, "a");
  const proxy = await startProxy(t, { backends: [backend.address] });
  const streams = Array.from({ length: STREAMS }, () => new CheckedStream(proxy.port));
  t.after(() => streams.forEach((stream) => stream.destroy()));
  let upgraded = 0;
  const pids: number[] = [];
  const seconds = Math.ceil(UPGRADES * 1.5);
  const load = newConnections(proxy.port, seconds);
  for (; upgraded < UPGRADES; upgraded++) pids.push(await upgrade(t, proxy));
  const { requests, failures } = await load;
  assert.equal(failures, "");
  assert.ok(requests > 100 * seconds, `only ${requests} connections`);
  const streamsOnly = async (): Promise<boolean> =>
    (await proxy.client.get()).state.openConnections === STREAMS;
  await until("only the streams to be open", streamsOnly);
  const { proxy: info } = await proxy.client.get();
  assert.equal(info.predecessor?.openConnections, STREAMS);
  assert.equal(info.predecessor.pid, pids.at(-2));
  assert.deepEqual([info.refusedConnections, info.unservedConnections], [0n, 0n]);
  // All that the 21 processes have accepted.
  assert.ok(info.acceptedConnections >= requests + STREAMS);
  for (const { sent, received } of await Promise.all(streams.map((stream) => stream.end())))
    assert.equal(received, sent);
  await until("the old processes to end", () => pids.slice(0, -1).every((pid) => !isAlive(pid)));
  assert.equal((await proxy.client.get()).proxy.predecessor, undefined);
  const serving = pids.at(-1) ?? 0;
  assert.deepEqual([...listeningSockets(serving).values()], [1, 1, 1]);
  t.diagnostic(`${requests} connections`);
});

/** Programs that fail in the place of the new one. */
const BAD_PROGRAMS = {
  crashing: "process.exit(1);",
  "crashing when it is to take over":
    'process.on("message", () => process.exit(3)); process.send({ type: "loaded", protocol: 1, version: "2" });',
  hanging: "setInterval(() => {}, 1000);",
  killed: 'process.kill(process.pid, "SIGKILL");',
};

for (const [what, script] of Object.entries(BAD_PROGRAMS)) {
  test(`${FAILURES} new programs that end up ${what} change nothing`, async (t) => {
    if (!hasProgram(t, "wrk")) return;
    const backend = await startWebOrEcho(t, "a");
    const program = join(folder(t), "seamless.mjs");
    symlinkSync(daemon, program);
    const args = ["--upgrade-timeout", "300ms"];
    const proxy = await startProxy(t, { backends: [backend.address], program, args });
    const stream = new CheckedStream(proxy.port);
    t.after(() => stream.destroy());
    rmSync(program);
    writeFileSync(program, script);
    const load = newConnections(proxy.port, Math.ceil(FAILURES * 0.5));
    for (let i = 0; i < FAILURES; i++)
      await assert.rejects(proxy.client.upgrade(), { code: "UPGRADE_FAILED", message: /this one goes on/ });
    assert.equal((await load).failures, "");
    const { sent, received } = await stream.end();
    assert.equal(received, sent);
    assert.deepEqual(childrenOf(proxy.child.pid ?? 0), []);
    assert.deepEqual([...listeningSockets(proxy.child.pid ?? 0).values()], [1, 1, 1]);
    // Nothing is left waiting.
    assert.equal((await proxy.client.add([{ address: backend.address, weight: 2 }])).changed, true);
  });
}

test(`${FAILURES} new programs with a wrong configuration change nothing, and say what is wrong`, async (t) => {
  const backend = await startNamed(t, "a");
  const file = join(folder(t), "seamless.yaml");
  const common = "http_port: 0\ngrpc_port: 0\nlog_format: json\n";
  const service = `services:\n  web:\n    listen: 127.0.0.1:0\n    backends: [${backend.address}]\n`;
  writeFileSync(file, common + service);
  const proxy = await startConfigured(t, file);
  writeFileSync(file, `${common}grpc_host: 0.0.0.0\n${service}`);
  for (let i = 0; i < FAILURES; i++)
    await assert.rejects(proxy.client.upgrade(), { code: "UPGRADE_FAILED", message: /other machines/ });
  writeFileSync(file, `${common}tokens: /nowhere\n${service}`);
  await assert.rejects(proxy.client.upgrade(), { code: "UPGRADE_FAILED", message: /nowhere/ });
  assert.equal(await readAll(proxy.port), "a");
  writeFileSync(file, common + service);
  const pid = await upgrade(t, proxy);
  assert.equal(await readAll(proxy.port), "a");
  assert.ok(isAlive(pid));
});

for (const engine of ["native", "node"]) {
  test(`${engine}: what is open in the old process is seen, drained and cut through the new one`, async (t) => {
    const [a, b] = [await startEcho(t), await startEcho(t)];
    const proxy = await startProxy(t, { backends: [a.address, b.address], args: ["--engine", engine] });
    const { client } = proxy;
    const [inB, inA] = [await open(t, proxy.port), await open(t, proxy.port)];
    const other = await open(t, proxy.port);
    assert.deepEqual([a.accepted, b.accepted], [1, 2]);
    await client.remove([a.address]);
    await upgrade(t, proxy);
    const { state, proxy: info } = await client.get();
    assert.deepEqual([state.revision, state.openConnections, info.predecessor?.openConnections], [2n, 3, 3]);
    const leaving = state.backends.find(({ drain }) => drain);
    assert.deepEqual([leaving?.address, leaving?.counters?.activeConnections], [a.address, 1]);
    // A connection of the new process on one of the same backends.
    await open(t, proxy.port);
    await client.add([a.address]);
    await client.remove([b.address]);
    const draining = (await client.get()).state.backends.find(({ address }) => address === b.address);
    assert.equal(draining?.counters?.activeConnections, 3);
    const closed = [inB, other].map(closeOf);
    await client.changeDrain([b.address], { limitMs: 0 });
    await Promise.all(closed);
    await until("the drain to end", async () =>
      (await client.get()).state.backends.every(({ address }) => address !== b.address),
    );
    inA.end();
    const [code] = (await once(proxy.child, "exit")) as [number | null];
    assert.equal(code, 0);
    await until("no predecessor", async () => (await client.get()).proxy.predecessor === undefined);
    const ends = (await client.get()).state.ledger?.ends ?? assert.fail();
    assert.deepEqual([ends.cutByDrain, ends.byClient], [3n, 1n]);
  });

  test(`${engine}: who waits for a drain that ends in the old process is told how its connections ended`, async (t) => {
    const [a, b] = [await startEcho(t), await startNamed(t, "b")];
    const proxy = await startProxy(t, { backends: [a.address], args: ["--engine", engine] });
    const { client } = proxy;
    const [first, second] = [await open(t, proxy.port), await open(t, proxy.port)];
    await client.set([b.address]);
    await upgrade(t, proxy);
    const waiting = client.waitForDrain([a.address]);
    first.end();
    const oneIsLeft = async (): Promise<boolean> => (await client.get()).state.openConnections === 1;
    await until("one connection to be left", oneIsLeft);
    const cut = closeOf(second);
    await client.changeDrain([a.address], { limitMs: 0 });
    const [[drain]] = await Promise.all([waiting, cut]);
    assert.equal(drain?.outcome, DrainOutcome.CUT);
    const { ends, bytes } = drain.progress ?? assert.fail();
    assert.deepEqual([ends?.byClient, ends?.cutByDrain, bytes], [1n, 1n, 0n]);
  });

  test(`${engine}: who is held in the old process is let go by the new one's list`, async (t) => {
    const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
    const proxy = await startProxy(t, { backends: [a.address], args: ["--engine", engine] });
    await proxy.client.pause();
    const held = readAll(proxy.port);
    await until("it to be held", async () => (await proxy.client.get()).state.heldConnections === 1);
    await upgrade(t, proxy);
    const state = (await proxy.client.get()).state;
    assert.ok(state.pause);
    assert.equal(state.heldConnections, 1);
    await proxy.client.set([b.address]);
    await proxy.client.resume();
    assert.equal(await held, "b");
    assert.equal(await readAll(proxy.port), "b");
  });
}

test("services, history, checks and the state file are the new process's", async (t) => {
  const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
  const path = folder(t);
  const [state, socket, management] = ["state", "web.sock", "ctl.sock"].map((name) => join(path, name));
  assert.ok(state && socket && management);
  const args = ["--state", state, "--grpc", `unix:${management}`];
  const proxy = await startProxy(t, { backends: [a.address], args });
  const client = connect({ address: `unix:${management}` });
  t.after(() => client.close());
  await client.setHealthCheck({ type: "tcp" });
  await client.createService("other", { listen: [`unix:${socket}`], backends: [b.address] });
  await client.set([a.address, b.address]);
  const before = await client.history();
  const pid = await upgrade(t, { client });
  await once(proxy.child, "exit");
  assert.deepEqual(
    (await client.history()).map(({ verb }) => verb),
    before.map(({ verb }) => verb),
  );
  assert.ok((await client.get()).state.healthCheck);
  assert.deepEqual(
    (await client.listServices()).map(({ service }) => service),
    ["default", "other"],
  );
  await client.remove([b.address]);
  const again = await upgrade(t, { client });
  assert.equal((await client.get()).state.revision, 3n);
  await until("the first new process to end", () => !isAlive(pid));
  // The paths of the Unix sockets go with the last process.
  assert.ok(existsSync(socket) && existsSync(management));
  process.kill(again, "SIGTERM");
  await until("the last process to end", () => !isAlive(again));
  assert.deepEqual([existsSync(socket), existsSync(management), existsSync(state)], [false, false, true]);
});

for (const engine of ["native", "node"])
  test(`${engine}: services that swap their addresses do so by an upgrade, and nobody is refused`, async (t) => {
    if (!hasProgram(t, "wrk")) return;
    const [a, b] = [await startWebOrEcho(t, "a"), await startWebOrEcho(t, "b")];
    const at = folder(t);
    const file = join(at, "seamless.yaml");
    const [one, other] = (await freePorts(2)).map((port) => `"127.0.0.1:${port}"`);
    assert.ok(one && other);
    const write = (listenA: string, listenB: string): void =>
      writeFileSync(
        file,
        `log_format: json\nengine: ${engine}\nhttp_port: 0\ngrpc_port: 0\nservices:\n` +
          `  a: {listen: [${listenA}, "unix:${at}/a"], backends: "${a.address}"}\n` +
          `  b: {listen: [${listenB}, "unix:${at}/b"], backends: "${b.address}"}\n`,
      );
    write(one, other);
    const proxy = await startConfigured(t, file);
    const ports = [one, other].map((address) => Number(/:(\d+)"/.exec(address)?.[1]));
    const read = async (port = 0): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text();
    assert.deepEqual([await read(ports[0]), await read(ports[1])], ["a", "b"]);
    write(other, one);
    proxy.child.kill("SIGHUP");
    const { reason } = await proxy.logged("reload-failed");
    assert.match(String(reason), /^service 'a' can't listen on .* upgrade instead \(SIGUSR2\)/);
    assert.deepEqual([await read(ports[0]), await read(ports[1])], ["a", "b"]);
    const loads = ports.map((port) => newConnections(port, 2));
    await upgrade(t, proxy);
    for (const { failures } of await Promise.all(loads)) assert.equal(failures, "");
    assert.deepEqual([await read(ports[0]), await read(ports[1])], ["b", "a"]);
    assert.ok(existsSync(join(at, "a")) && existsSync(join(at, "b")));
  });

test("the file of a Unix socket goes with an upgrade that nobody listens there after, and that of somebody else stays", async (t) => {
  const a = await startNamed(t, "a");
  const at = folder(t);
  const [file, web, taken, http] = ["s.yaml", "web", "taken", "http"].map((name) => join(at, name));
  assert.ok(file && web && taken && http);
  const write = (listen: string, more: string): void =>
    writeFileSync(
      file,
      `log_format: json\ngrpc_port: 0\nhttp: ${more}\nservices: {web: {listen: [${listen}], backends: "${a.address}"}}\n`,
    );
  write(`"127.0.0.1:0", "unix:${web}", "unix:${taken}"`, `unix:${http}`);
  const proxy = await startConfigured(t, file);
  assert.ok([web, taken, http].every((path) => existsSync(path)));
  const stranger = createServer().listen(join(at, "stranger"));
  t.after(() => stranger.close());
  await once(stranger, "listening");
  renameSync(join(at, "stranger"), taken);
  write('"127.0.0.1:0"', "off");
  await upgrade(t, proxy);
  await until("the old process to end", () => !isAlive(proxy.child.pid ?? 0));
  assert.deepEqual((await proxy.logged("sockets-left"))["names"], ["web", "web", "@http"]);
  assert.deepEqual(
    [web, taken, http].map((path) => existsSync(path)),
    [false, true, false],
  );
  const visitor = connectSocket(taken);
  await once(visitor, "connect");
  visitor.destroy();
});

test("the curl interface stays on its Unix socket through upgrades, and answers all the time", async (t) => {
  const a = await startNamed(t, "a");
  const path = join(folder(t), "http.sock");
  const proxy = await startProxy(t, { backends: [a.address], args: ["--http", `unix:${path}`] });
  const { ino } = statSync(path);
  const enough = new AbortController();
  const answers: (readonly [number, string])[] = [];
  const asking = (async () => {
    while (!enough.signal.aborted) answers.push(await curlAt(path, "http://localhost/get"));
  })();
  const pids = [await upgrade(t, proxy), await upgrade(t, proxy)];
  await until("the replaced ones to end", () => !isAlive(proxy.child.pid ?? 0) && !isAlive(pids[0] ?? 0));
  enough.abort();
  await asking;
  assert.deepEqual(new Set(answers.map(String)), new Set([`200,${a.address}\n`]));
  assert.equal(statSync(path).ino, ino, "it is another socket");
  assert.equal((await curlAt(path, "http://evil.example/get"))[0], 403);
  process.kill(pids[1] ?? 0, "SIGTERM");
  await until("the last one to end", () => !isAlive(pids[1] ?? 0));
  assert.ok(!existsSync(path));
});

test("by signal: one upgrade at a time, and a change that comes meanwhile is made or can be sent again", async (t) => {
  const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
  const proxy = await startProxy(t, { backends: [a.address] });
  proxy.child.kill("SIGUSR2");
  await until("a child", () => childrenOf(proxy.child.pid ?? 0).length === 1);
  const [pid = 0] = childrenOf(proxy.child.pid ?? 0);
  endProcessAfter(t, pid);
  await assert.rejects(proxy.client.upgrade(), { code: "UPGRADE_IN_PROGRESS" });
  while (isAlive(proxy.child.pid ?? 0)) {
    const list = Math.random() < 0.5 ? [a.address] : [b.address];
    await proxy.client.set(list).catch((error: unknown) => {
      assert.match(String(error), /stopping|no connection|ECONN|GOAWAY|going away/i);
    });
  }
  await proxy.client.set([b.address]);
  assert.equal(await readAll(proxy.port), "b");
});

test("during a deploy there is no upgrade, and seamlessctl says why", async (t) => {
  const a = await startNamed(t, "a");
  const proxy = await startProxy(t, { backends: [a.address] });
  const deploy = proxy.client.deploy(["127.0.0.1:1"], { healthTimeoutMs: 60_000 });
  deploy.catch(() => undefined);
  await until("the deploy", async () => (await proxy.client.get()).state.deploy !== undefined);
  const { exitCode, stderr } = await run(process.execPath, [ctl, "--address", proxy.grpc, "upgrade"]);
  assert.equal(exitCode, 1);
  assert.match(stderr, /a deploy of service 'default' is under way/);
  assert.deepEqual(childrenOf(proxy.child.pid ?? 0), []);
});

test("a process that is told to stop has no successor", async (t) => {
  const a = await startEcho(t);
  const proxy = await startProxy(t, { backends: [a.address] });
  const asked = proxy.client.upgrade();
  await until("a child", () => childrenOf(proxy.child.pid ?? 0).length === 1);
  const [pid = 0] = childrenOf(proxy.child.pid ?? 0);
  proxy.child.kill("SIGTERM");
  await assert.rejects(asked);
  assert.deepEqual(await once(proxy.child, "exit"), [0, null]);
  await until("the new process to end", () => !isAlive(pid));
});
