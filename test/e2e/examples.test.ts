import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { Server, ServerCredentials, type ServiceError } from "@grpc/grpc-js";
import { SeamlessServiceService, type SeamlessServiceServer } from "@seamless/proto";
import { SeamlessError, type SeamlessClient } from "@seamless/sdk";
import { deadAddress, startEcho } from "../support/backends.js";
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
  assert.equal((await run(process.execPath, args, { env })).exitCode, 1, "run again it waits again");
  const unlisted = await run(process.execPath, [args[0] ?? "", "127.0.0.1:1", "127.0.0.1:2"], { env });
  assert.equal(unlisted.exitCode, 2);
  assert.match(unlisted.stderr, /is not in the list/);
});

test("the deploy example exits as the verdict says", async (t) => {
  const [oldServer, newServer] = [await startEcho(t), await startEcho(t)];
  const proxy = await startProxy(t, { backends: [oldServer.address] });
  const client = connect({ port: proxy.port, host: "127.0.0.1" });
  client.on("error", () => undefined);
  t.after(() => client.destroy());
  client.write("x");
  await once(client, "data");
  const env = { SEAMLESS_ADDRESS: proxy.grpc };
  const deploy = (address: string, ...limits: string[]): ReturnType<typeof run> =>
    run(process.execPath, [`${root}examples/deploy.mjs`, address, ...limits], { env });
  const dead = await deploy(await deadAddress(), "1", "0.2");
  assert.deepEqual([dead.exitCode, /nothing was changed/.test(dead.stderr)], [6, true], dead.stderr);
  const cut = await deploy(newServer.address, "0.1");
  assert.deepEqual([cut.exitCode, /1 connections were cut/.test(cut.stderr)], [7, true], cut.stderr);
  const clean = await deploy(oldServer.address, "5");
  assert.equal(clean.exitCode, 0, clean.stderr);
  assert.match(clean.stdout, new RegExp(`${newServer.address} is safe to stop\n$`));
});

/** A way to the proxy on which someone else is quicker: `first` runs between the first `get` and its `set`. */
async function startRival(t: TestContext, client: SeamlessClient, first: () => Promise<unknown>) {
  const server = new Server();
  const revisions: (bigint | undefined)[] = [];
  const answer = <T>(promise: Promise<T>, callback: (error: ServiceError | null, value?: T) => void): void =>
    void promise.then(
      (value) => callback(null, value),
      (error: unknown) => callback(error instanceof SeamlessError ? (error.cause as ServiceError) : null),
    );
  const handlers: Pick<SeamlessServiceServer, "get" | "set" | "watchBackends"> = {
    get: (_, callback) => answer(client.get(), callback),
    set: ({ request: { backends, expectedRevision } }, callback) => {
      revisions.push(expectedRevision);
      const before = revisions.length === 1 ? first() : Promise.resolve();
      const list = backends.map(({ address, weight = 1 }) => ({ address, weight }));
      const change = before.then(() => client.set(list, expectedRevision ? { expectedRevision } : {}));
      answer(change, callback);
    },
    watchBackends: (call) =>
      answer(
        client.get().then(({ state }) => call.write({ state })),
        () => undefined,
      ),
  };
  server.addService(SeamlessServiceService, { ...handlers });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  t.after(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, revisions };
}

test("the pipeline example keeps what someone else changed meanwhile, and switches all the same", async (t) => {
  const [oldServer, newServer] = [await startEcho(t), await startEcho(t)];
  const proxy = await startProxy(t, { backends: [oldServer.address] });
  const rival = await startRival(t, proxy.client, () => proxy.client.add(["127.0.0.1:9"]));
  const args = [`${root}examples/pipeline.mjs`, oldServer.address, newServer.address];
  const step = await run(process.execPath, args, { env: { SEAMLESS_ADDRESS: rival.address } });
  assert.equal(step.exitCode, 0, step.stderr);
  assert.deepEqual(rival.revisions, [1n, 2n]);
  const { state } = await proxy.client.get();
  assert.deepEqual(
    state.backends.map(({ address }) => address),
    [newServer.address, "127.0.0.1:9"],
  );
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
