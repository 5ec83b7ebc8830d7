import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { Metadata, status } from "@grpc/grpc-js";
import { SetRequest, type GetResponse, type SeamlessServiceClient } from "@seamless/proto";
import { ask, startGrpc, type GrpcFixture } from "./testing/grpc-fixture.js";
import { callBlock, cancel, FRAME, frame, HELLO, openStreams, rawFrame } from "./testing/http2-frames.js";
import { gzip, open, openRaw, post, REFLECTION, request, stillAnswers } from "./testing/raw-calls.js";
import { closeOf, until } from "./testing/waiting.js";

const get = (client: SeamlessServiceClient, metadata = new Metadata()): Promise<GetResponse> =>
  ask((done) => client.get({ service: "", linearizable: false }, metadata, done));

/** A call that goes on, and how much of it was sent until the server had enough. */
async function bytesUntilCut(t: TestContext, fixture: GrpcFixture, start: Uint8Array): Promise<number> {
  const socket = openRaw(t, fixture);
  const headers = rawFrame(FRAME.headers, 4, 1, callBlock("Set"));
  socket.write(Buffer.concat([headers, rawFrame(FRAME.data, 0, 1, start)]));
  const more = Buffer.concat(
    Array.from({ length: 4 }, () => rawFrame(FRAME.data, 0, 1, Buffer.alloc(16_000))),
  );
  const send = (): void => {
    if (socket.destroyed) return;
    if (socket.write(more)) setImmediate(send);
    else socket.once("drain", send);
  };
  send();
  await closeOf(socket);
  return socket.bytesWritten;
}

/** WINDOW_UPDATE of the connection: the answers may go on. */
const readMore = rawFrame(8, 0, 0, Buffer.from([0, 0, 4, 0]));

const TOO_LARGE = frame(Buffer.alloc(0), { length: 0xffff_ffff });

for (const [what, start] of [
  ["a message of 4 GiB", TOO_LARGE],
  ["what comes after the message of a call", frame(request)],
] as const) {
  test(`${what} is not awaited: the connection is cut`, async (t) => {
    const fixture = await startGrpc(t);
    const bytes = await bytesUntilCut(t, fixture, start);
    assert.ok(bytes < 64 << 20, `${bytes} bytes`);
    const lines = fixture.log.filter((line) => line.includes("management-cut"));
    assert.match(lines.join(""), /"from":"127.0.0.1:\d+","reason":"bytes"/);
    assert.equal(fixture.refusals.of("grpc").get("bytes"), 1);
    await stillAnswers(fixture);
  });
}

test("who sends more messages that can't be read than ones that can is cut, and nobody else", async (t) => {
  const fixture = await startGrpc(t);
  const session = open(t, fixture);
  for (let i = 0; i < 40; i++) {
    assert.equal(await post(session, { body: TOO_LARGE }), status.RESOURCE_EXHAUSTED);
    assert.equal(await post(session, { body: frame(request) }), status.OK);
  }
  assert.equal(session.destroyed, false);
  for (let i = 0; i < 16; i++)
    assert.equal(await post(session, gzip(Buffer.from("no gzip"))), status.INTERNAL);
  assert.equal(session.destroyed, false);
  await Promise.all([closeOf(session), post(session, gzip(Buffer.from("no gzip")))]);
  assert.match(fixture.log.join(""), /"reason":"unreadable"/);
});

test("calls that are taken back before their message has come, or that had too little time, are no offence", async (t) => {
  const fixture = await startGrpc(t);
  const client = fixture.connect();
  const socket = openRaw(t, fixture);
  const packed = frame(gzipSync(request), { compressed: true });
  for (let id = 1; id < 240; id += 6) {
    const begins = (stream: number, headers = {}): Buffer =>
      rawFrame(FRAME.headers, 4, stream, callBlock("Set", headers));
    const [atOnce, later, ended] = [id, id + 2, id + 4];
    const unpacked = [begins(atOnce, { "grpc-encoding": "gzip" }), rawFrame(FRAME.data, 0, atOnce, packed)];
    socket.write(Buffer.concat([...unpacked, cancel(atOnce)]));
    socket.write(Buffer.concat([begins(later, { "grpc-timeout": "1m" }), begins(ended)]));
    // They have begun, and the deadline has passed.
    await get(client);
    socket.write(rawFrame(FRAME.data, 1, ended));
  }
  await get(client);
  assert.deepEqual(
    [...fixture.refusals.of("grpc").values()].filter((count) => count > 0),
    [],
  );
});

test("100 messages of the largest size come at once on one connection, time and again", async (t) => {
  const fixture = await startGrpc(t);
  const session = open(t, fixture);
  const backends = Array.from({ length: 1_000 }, (_, i) => ({ address: `${"a".repeat(54)}${i}:1` }));
  const body = frame(SetRequest.encode(SetRequest.create({ backends })).finish());
  assert.ok(body.length > 60 * 1_024, `${body.length} bytes`);
  for (let round = 0; round < 3; round++) {
    const codes = await Promise.all(Array.from({ length: 100 }, () => post(session, { body })));
    assert.deepEqual([...new Set(codes)], [status.OK]);
  }
  assert.equal(session.destroyed, false);
});

test("a client that opens 1,000 streams against our word, and leaves them open, is cut", async (t) => {
  const fixture = await startGrpc(t);
  const socket = openRaw(t, fixture);
  // No SETTINGS of ours has been read yet, so that nothing but the server keeps the limit.
  socket.write(Buffer.concat(openStreams(1_000)));
  await closeOf(socket);
  await until(() => fixture.management.watchers === 0);
  const watches = fixture.management.asked.filter(([what]) => what === "watch");
  assert.equal(watches.length, 16);
  await stillAnswers(fixture);
});

test("a client that opens a few streams too many keeps those that it has", async (t) => {
  const fixture = await startGrpc(t);
  const socket = openRaw(t, fixture);
  socket.write(Buffer.concat(openStreams(32)));
  await until(() => fixture.management.watchers === 16);
  await stillAnswers(fixture);
  assert.deepEqual([socket.destroyed, fixture.management.watchers], [false, 16]);
});

test("a message that comes byte by byte between good calls does not keep all in memory that came with it", async (t) => {
  const fixture = await startGrpc(t);
  const socket = openRaw(t, fixture);
  const slow = rawFrame(FRAME.headers, 4, 1, callBlock("Set"));
  const begun = rawFrame(FRAME.data, 0, 1, frame(Buffer.alloc(0), { length: 60_000 }));
  socket.write(Buffer.concat([slow, begun]));
  const ofNoKnownType = rawFrame(0x42, 0, 0, Buffer.alloc(16_000));
  for (let id = 3; !socket.destroyed && socket.bytesWritten < 64 << 20; id += 2) {
    const good = [
      rawFrame(FRAME.headers, 4, id, callBlock("Get")),
      rawFrame(FRAME.data, 1, id, frame(Buffer.alloc(0))),
    ];
    const byte = rawFrame(FRAME.data, 0, 1, Buffer.alloc(1));
    const bytes = Buffer.concat([...good, byte, ofNoKnownType, ofNoKnownType, ofNoKnownType, readMore]);
    await Promise.race([new Promise((resolve) => socket.write(bytes, resolve)), closeOf(socket)]);
  }
  await until(() => fixture.refusals.of("grpc").get("bytes") === 1);
  assert.ok(socket.bytesWritten < 32 << 20, `${socket.bytesWritten} bytes`);
});

test("tens of thousands of messages of a few bytes in one call are not answered: the connection is cut", async (t) => {
  const fixture = await startGrpc(t);
  const socket = openRaw(t, fixture).pause();
  const headers = rawFrame(FRAME.headers, 4, 1, callBlock("Get", { ":path": REFLECTION }));
  const messages = Buffer.concat(Array.from({ length: 10 }, () => frame(Buffer.alloc(0))));
  socket.write(headers);
  for (let i = 0; i < 5_000; i++) socket.write(rawFrame(FRAME.data, 0, 1, messages));
  await until(() => fixture.refusals.of("grpc").get("bytes") === 1);
});

test("a call of many messages may have 16 of them in one frame", async (t) => {
  const fixture = await startGrpc(t);
  const session = open(t, fixture);
  const list = frame(Buffer.from([0x3a, 0]));
  const asked = (count: number): Promise<number | undefined> =>
    post(session, { path: REFLECTION, body: Buffer.concat(Array<Buffer>(count).fill(list)) });
  assert.equal(await asked(16), status.OK);
  assert.equal(await asked(17), status.RESOURCE_EXHAUSTED);
});

test("40 clients that have connected may wait before they call", async (t) => {
  const fixture = await startGrpc(t);
  const sessions = Array.from({ length: 40 }, () => open(t, fixture));
  await Promise.all(sessions.map((session) => once(session, "remoteSettings")));
  const codes = await Promise.all(sessions.map((session) => post(session, { body: frame(request) })));
  assert.deepEqual([...new Set(codes)], [status.OK]);
  assert.equal(fixture.refusals.of("grpc").get("no-call"), 0);
});

test("64 connections keep a 65th out, not the ones that are open", async (t) => {
  const fixture = await startGrpc(t);
  const clients = Array.from({ length: 64 }, () => fixture.connect());
  await Promise.all(clients.map((client) => get(client)));
  const excess = connect(fixture.port, "127.0.0.1").resume();
  excess.on("error", () => undefined);
  await closeOf(excess);
  assert.equal(fixture.refusals.of("grpc").get("connections"), 1);
  await Promise.all(clients.map((client) => get(client)));
  clients[0]?.close();
  // When the server has seen that, its client gets in.
  const patient = new Metadata({ waitForReady: true });
  await get(fixture.connect({ "grpc.initial_reconnect_backoff_ms": 100 }), patient);
});

test("connections that make no call keep nobody out, garbage neither", async (t) => {
  const fixture = await startGrpc(t);
  const early = fixture.connect();
  await get(early);
  const garbage = Buffer.concat([HELLO, Buffer.alloc(100_000, 0xff)]);
  const idle = Array.from({ length: 200 }, (_, i) => {
    const socket = connect(fixture.port, "127.0.0.1").on("error", () => undefined);
    socket.write(i < 100 ? HELLO : garbage);
    return socket;
  });
  t.after(() => idle.forEach((socket) => socket.destroy()));
  const taken = idle.map((socket) => Promise.race([once(socket, "connect"), closeOf(socket)]));
  await Promise.all(taken);
  await get(fixture.connect());
  await get(early);
  assert.match(fixture.log.join(""), /"reason":"no-call"/);
});
