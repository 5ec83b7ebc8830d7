import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectHttp2, type ClientHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { status, type ClientReadableStream, type ServiceError } from "@grpc/grpc-js";
import {
  WatchBackendsRequest,
  WatchBackendsResponse,
  type SeamlessServiceClient,
  type WatchPosition,
} from "@seamless/proto";
import { fakeBackend } from "./testing/fake-management.js";
import { ask, startGrpc } from "./testing/grpc-fixture.js";
import { until } from "./testing/waiting.js";

interface Watching {
  readonly call: ClientReadableStream<WatchBackendsResponse>;
  readonly revisions: number[];
  /** The error it ended with; undefined for OK. */
  readonly ended: Promise<ServiceError | undefined>;
}

function watch(client: SeamlessServiceClient, after?: WatchPosition): Watching {
  const call = client.watchBackends({ service: "", after });
  const revisions: number[] = [];
  call.on("data", ({ state }: WatchBackendsResponse) => revisions.push(Number(state?.revision)));
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on("error", (error: ServiceError) => resolve(error));
    call.on("end", () => resolve(undefined));
  });
  return { call, revisions, ended };
}

test("a watcher gets the present state and then every change", async (t) => {
  const { connect, management } = await startGrpc(t);
  const { revisions } = watch(connect());
  await until(() => revisions.length === 1);
  for (let revision = 2; revision <= 5; revision++) {
    management.publish();
    await until(() => revisions.at(-1) === revision);
  }
  assert.deepEqual(revisions, [1, 2, 3, 4, 5]);
});

test("a watcher that comes back gets each of the 100 revisions that it missed", async (t) => {
  const { connect, management } = await startGrpc(t);
  const backends = ["a:1", "b:2", "c:3"].map((address) => fakeBackend(address));
  management.publish(backends);
  for (let i = 0; i < 100; i++) management.publish();
  const { revisions } = watch(connect(), { revision: 2n, sequence: 2n, instanceId: "one" });
  await until(() => revisions.at(-1) === 102);
  assert.deepEqual(
    revisions,
    Array.from({ length: 100 }, (_, i) => i + 3),
  );
});

test("a burst of changes reaches a watcher that reads", async (t) => {
  const { connect, management } = await startGrpc(t);
  const { revisions } = watch(connect());
  await until(() => revisions.length === 1);
  for (let i = 0; i < 500; i++) management.publish();
  await until(() => revisions.at(-1) === 501);
});

/** Opens a watch whose messages are not read until `resume`. */
async function watchUnread(port: number): Promise<{ stream: ClientHttp2Stream; close: () => void }> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/seamless.v1.SeamlessService/WatchBackends",
    "content-type": "application/grpc",
    te: "trailers",
  });
  const message = WatchBackendsRequest.encode({ service: "", after: undefined }).finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  await once(stream, "response");
  return { stream, close: () => session.close() };
}

/** Takes the messages off the stream up to `revision`. */
async function readUpTo(stream: ClientHttp2Stream, revision: number): Promise<WatchBackendsResponse[]> {
  const messages: WatchBackendsResponse[] = [];
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      messages.push(WatchBackendsResponse.decode(rest.subarray(5, end)));
      rest = rest.subarray(end);
    }
    if (Number(messages.at(-1)?.state?.revision) >= revision) break;
  }
  return messages;
}

test("a watcher that stops reading costs a bounded queue, and gets the latest state when it reads again", async (t) => {
  const { management, port } = await startGrpc(t);
  management.publish(Array.from({ length: 100 }, (_, i) => fakeBackend(`backend-${i}:80`)));
  const { stream, close } = await watchUnread(port);
  t.after(close);
  const writes = 2_000;
  for (let i = 0; i < writes; i++) {
    management.publish();
    // Lets what fits into the connection's window out.
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  const messages = await readUpTo(stream, 2 + writes);
  assert.equal(Number(messages.at(-1)?.state?.revision), 2 + writes);
  assert.ok(messages.length < 200, `${messages.length} messages were kept`);
});

test("a watch ends for the control plane when the client cancels, and when its connection is gone", async (t) => {
  const { connect, management, port } = await startGrpc(t);
  const first = watch(connect());
  await until(() => first.revisions.length === 1);
  const { stream } = await watchUnread(port);
  await until(() => management.watchers === 2);
  first.call.cancel();
  await until(() => management.watchers === 1);
  stream.session?.destroy();
  await until(() => management.watchers === 0);
});

test("a client's deadline ends its watch", async (t) => {
  const { connect, management } = await startGrpc(t);
  const call = connect().watchBackends({ service: "", after: undefined }, { deadline: Date.now() + 50 });
  call.on("data", () => undefined);
  const [error] = (await once(call, "error")) as [ServiceError];
  assert.equal(error.code, status.DEADLINE_EXCEEDED);
  await until(() => management.watchers === 0);
});

test("close ends every watch with OK, and one that comes later too", async (t) => {
  const { connect, server } = await startGrpc(t);
  const client = connect();
  const watches = [watch(client), watch(client), watch(connect())];
  await until(() => watches.every(({ revisions }) => revisions.length === 1));
  const closed = server.close(60_000);
  assert.deepEqual(await Promise.all(watches.map(({ ended }) => ended)), [undefined, undefined, undefined]);
  await closed;
});

for (const kind of ["TCP", "Unix"] as const) {
  test(`one ${kind} connection has 16 watches at most, and another one 16 of its own`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "seamless-"));
    t.after(() => rm(folder, { recursive: true }));
    const address = kind === "TCP" ? { host: "127.0.0.1", port: 0 } : { path: join(folder, "s") };
    const { connect, management } = await startGrpc(t, address);
    const client = connect();
    const watches = Array.from({ length: 16 }, () => watch(client));
    await until(() => management.watchers === 16);
    const refused = await watch(client).ended;
    assert.equal(refused?.code, status.RESOURCE_EXHAUSTED);
    await ask((done) => client.get({ service: "", linearizable: false }, done));

    const other = watch(connect());
    await until(() => other.revisions.length === 1);

    watches[0]?.call.cancel();
    await until(() => management.watchers === 16);
    const again = watch(client);
    await until(() => again.revisions.length === 1);
  });
}
