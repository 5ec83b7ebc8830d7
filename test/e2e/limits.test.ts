import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { Backend } from "@seamless/sdk";
import { test, type TestContext } from "node:test";
import { readAll, startBackend, startEcho, startNamed } from "../support/backends.js";
import { hasProgram } from "../support/programs.js";
import { run } from "../support/process.js";
import { daemon, startProxy } from "../support/proxy.js";
import { startNginx } from "../support/servers.js";
import { until } from "../support/until.js";
import { newConnections } from "../support/wrk.js";

const MIB = 1024 * 1024;
/** The whole claim is 100,000. */
const SHORT_CONNECTIONS = Number(process.env["SEAMLESS_E2E_CONNECTIONS"] ?? 20_000);

/** So that a proxy that should not start does not stay. */
const NOWHERE = ["--grpc", "unix:/nowhere/grpc.sock"];

async function open(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  t.after(() => socket.destroy());
  await new Promise((resolve) => socket.on("connect", resolve).on("error", resolve));
  return socket;
}

test("100 stalled readers with 64 MiB waiting each add less than 64 MiB of memory", async (t) => {
  const block = Buffer.alloc(MIB);
  const source = await startBackend(t, (socket) => {
    let left = 64;
    const pump = (): void => {
      while (left > 0 && socket.write(block)) left -= 1;
    };
    socket.on("drain", pump);
    pump();
  });
  const proxy = await startProxy(t, { backends: [source.address] });
  // The collector lets some tens of MiB of passed-on buffers wait, readers stalled or not: that is the baseline.
  const swift = await Promise.all(Array.from({ length: 8 }, () => open(t, proxy.port)));
  await Promise.all(swift.map((socket) => readAllOf(socket, 64 * MIB)));
  const before = proxy.residentBytes();
  const readers = await Promise.all(Array.from({ length: 100 }, () => open(t, proxy.port)));
  for (const reader of readers) reader.pause();
  await until("all backends send", () => source.accepted === 108);
  await settled(async () => (await proxy.client.get()).state.backends[0]?.counters?.bytesOut);
  const grown = proxy.residentBytes() - before;
  t.diagnostic(`${(grown / MIB).toFixed(1)} MiB for 100 stalled connections`);
  assert.ok(grown < 64 * MIB, `${(grown / MIB).toFixed(1)} MiB`);
});

/** Resolves when the value has stopped changing. */
async function settled<T>(read: () => Promise<T>): Promise<void> {
  let [last, same] = [await read(), 0];
  await until(
    "the value stops changing",
    async () => {
      const now = await read();
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= 20;
    },
    30_000,
  );
}

async function readAllOf(socket: Socket, bytes: number): Promise<void> {
  let received = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) if ((received += chunk.length) >= bytes) break;
}

test("short connections leave no descriptor behind", async (t) => {
  if (!hasProgram(t, "wrk") || !hasProgram(t, "nginx")) return;
  const nginx = await startNginx(t, "x");
  const proxy = await startProxy(t, { backends: [nginx.address] });
  const descriptors = (): number => readdirSync(`/proc/${proxy.child.pid ?? 0}/fd`).length;
  await newConnections(proxy.port, 1);
  await until("no connection is open", async () => (await proxy.client.get()).proxy.openConnections === 0);
  const before = descriptors();
  let served = 0;
  while (served < SHORT_CONNECTIONS) {
    const load = await newConnections(proxy.port, 2);
    assert.equal(load.failures, "");
    served += load.requests;
  }
  await until("no connection is open", async () => (await proxy.client.get()).proxy.openConnections === 0);
  await until(`descriptors: ${descriptors()} now, ${before} before`, () => descriptors() <= before);
  t.diagnostic(`${served} connections`);
});

test("out of descriptors it refuses clients, serves those it has, and answers management", async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, { backends: [echo.address], openFiles: 256 });
  const { proxy: limits } = await proxy.client.get();
  assert.equal(limits.maxConnections, 64);

  const inUse = await open(t, proxy.port);
  const crowd = await Promise.all(Array.from({ length: 400 }, () => open(t, proxy.port)));
  await until(
    "the crowd is refused",
    async () => (await proxy.client.get()).proxy.refusedConnections >= 337n,
  );
  inUse.write("still here");
  const [reply] = (await once(inUse, "data")) as [Buffer];
  assert.equal(reply.toString(), "still here");
  assert.ok((await proxy.logged("refused"))["reason"] === "connection-limit");
  await proxy.client.add(["127.0.0.1:9"]);
  await proxy.client.remove(["127.0.0.1:9"]);

  for (const socket of crowd) socket.destroy();
  await until("there is room again", async () => (await proxy.client.get()).proxy.openConnections <= 1);
  const fresh = await open(t, proxy.port);
  fresh.write("hello");
  const [greeting] = (await once(fresh, "data")) as [Buffer];
  assert.equal(greeting.toString(), "hello");
});

for (const engine of ["node", "native"] as const)
  test(`with whatever limit on open files, one client can be served, or one line says what is wrong (${engine} engine)`, async (t) => {
    const named = await startNamed(t, "a");
    // With fewer than 22 Node itself can't start.
    for (const limit of [28, 32, 64, 129]) {
      const command = `ulimit -n ${limit}; exec "$0" "$@"`;
      const args = [daemon, "127.0.0.1:0", named.address, ...NOWHERE, "--engine", engine];
      const { exitCode, stderr } = await run("bash", ["-c", command, process.execPath, ...args]);
      assert.match(
        stderr,
        new RegExp(`^seamless: the limit on open files is ${limit}, and must be 130 .*LimitNOFILE=.*\n$`),
      );
      assert.equal(exitCode, 1);
    }
    for (const openFiles of [130, 160]) {
      const proxy = await startProxy(t, { backends: [named.address], openFiles, args: ["--engine", engine] });
      assert.equal(await readAll(proxy.port), "a");
      assert.equal((await proxy.client.add([named.address])).changed, false);
      assert.equal(await (await fetch(`${proxy.http}/get`)).text(), `${named.address}\n`);
    }
  });

test("more threads than the limit on open files allows are refused", async () => {
  const args = [daemon, "127.0.0.1:0", "a:1", ...NOWHERE, "--engine", "native", "--threads", "256"];
  const command = ["-c", 'ulimit -n 1024; exec "$0" "$@"', process.execPath, ...args];
  const { exitCode, stderr } = await run("bash", command);
  assert.deepEqual([exitCode, /^seamless: .*with 256 threads.*\n$/.test(stderr)], [1, true], stderr);
});

for (const engine of ["node", "native"] as const)
  test(`a dead backend costs its clients nothing while another one works, and is put aside (${engine} engine)`, async (t) => {
    const [dead, works] = await Promise.all([startNamed(t, "dead"), startNamed(t, "works")]);
    const backends = [dead.address, works.address];
    const proxy = await startProxy(t, { backends, args: ["--engine", engine] });
    const ask = async (times: number): Promise<Backend | undefined> => {
      for (let i = 0; i < times; i++) assert.equal(await readAll(proxy.port), "works");
      return (await proxy.client.get()).state.backends[0];
    };
    dead.server.close();
    await once(dead.server, "close");
    const aside = await ask(50);
    assert.equal(aside?.state, 3);
    assert.match(
      aside.error,
      engine === "node"
        ? /3 connects in a row failed \(ECONNREFUSED\)/
        : /\d connects in a row failed \(ECONNREFUSED\)/,
    );
    // The threads of the native engine may have tried it once more each before they were told.
    const failed = aside.counters?.failedConnects ?? 0n;
    if (engine === "node") assert.equal(failed, 3n);
    else assert.ok(failed >= 3n && failed < 10n, `${failed} failed connects`);
    assert.equal((await ask(10))?.counters?.failedConnects, failed);
  });
