import assert from "node:assert/strict";
import { once } from "node:events";
import { constants } from "node:http2";
import { connect } from "node:net";
import { test } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { SetRequest } from "@seamless/proto";
import { ask, startGrpc } from "./testing/grpc-fixture.js";
import { FRAME, frame, headerBlock, HELLO, openStreams, PREFACE, rawFrame } from "./testing/http2-frames.js";
import { gzip, open, post, request, SET, stillAnswers, type Post } from "./testing/raw-calls.js";
import { closeOf, until } from "./testing/waiting.js";

const COMPRESSED: readonly (readonly [string, status, Post])[] = [
  ["gzip that is garbage", status.INTERNAL, gzip(Buffer.from("this is no gzip"))],
  ["gzip that stops in the middle", status.INTERNAL, gzip(gzipSync(request).subarray(0, 12))],
  ["gzip of nothing", status.INTERNAL, gzip(Buffer.alloc(0))],
  [
    "deflate that is garbage",
    status.INTERNAL,
    {
      headers: { "grpc-encoding": "deflate" },
      body: frame(Buffer.from("nor deflate"), { compressed: true }),
    },
  ],
  ["gzip that unpacks to 64 MiB", status.RESOURCE_EXHAUSTED, gzip(gzipSync(Buffer.alloc(64 << 20)))],
  [
    "a compression that does not exist",
    status.UNIMPLEMENTED,
    { headers: { "grpc-encoding": "zst%" }, body: frame(request, { compressed: true }) },
  ],
  [
    "a compressed message without a word on how",
    status.INTERNAL,
    { body: frame(gzipSync(request), { compressed: true }) },
  ],
  [
    "two messages of garbage at once",
    status.INTERNAL,
    {
      headers: { "grpc-encoding": "gzip" },
      body: Buffer.concat([
        frame(Buffer.from("x"), { compressed: true }),
        frame(Buffer.from("y"), { compressed: true }),
      ]),
    },
  ],
];

test("compressed requests are read", async (t) => {
  const fixture = await startGrpc(t);
  const session = open(t, fixture);
  assert.equal(await post(session, gzip(gzipSync(request))), status.OK);
  const deflate = {
    headers: { "grpc-encoding": "deflate" },
    body: frame(deflateSync(request), { compressed: true }),
  };
  assert.equal(await post(session, deflate), status.OK);
});

for (const [what, code, call] of COMPRESSED) {
  test(`${what} is ${status[code]}, and the next call works`, async (t) => {
    const fixture = await startGrpc(t);
    assert.equal(await post(open(t, fixture), call), code);
    await stillAnswers(fixture);
  });
}

const MALFORMED: readonly (readonly [string, status | undefined, Post])[] = [
  ["a message that is no protobuf", status.INTERNAL, { body: frame(Buffer.from([0xff, 0xff, 0xff])) }],
  ["text that is no UTF-8", status.NOT_FOUND, { body: frame(Buffer.from([0x0a, 0x02, 0xc3, 0x28])) }],
  [
    "a message that says it has 4 GiB",
    status.RESOURCE_EXHAUSTED,
    { body: frame(request, { length: 0xffff_ffff }) },
  ],
  ["a call without a message", status.UNIMPLEMENTED, { body: Buffer.alloc(0) }],
  [
    "a call with two messages",
    status.UNIMPLEMENTED,
    { body: Buffer.concat([frame(request), frame(request)]) },
  ],
  [
    "a deadline that is no time",
    status.INTERNAL,
    { headers: { "grpc-timeout": "soon" }, body: frame(request) },
  ],
  [
    "an unknown method",
    status.UNIMPLEMENTED,
    { path: "/seamless.v1.SeamlessService/Nö%00", body: frame(request) },
  ],
  ["metadata that is no base64", status.OK, { headers: { "x-bin": "%%%" }, body: frame(request) }],
  [
    "a request of another kind",
    undefined,
    { headers: { "content-type": "text/plain" }, body: frame(request) },
  ],
];

for (const [what, code, call] of MALFORMED) {
  test(`${what} ends as ${code === undefined ? "plain HTTP" : status[code]}, and the next call works`, async (t) => {
    const fixture = await startGrpc(t);
    assert.equal(await post(open(t, fixture), call), code);
    await stillAnswers(fixture);
  });
}

test("a message larger than 64 KiB is RESOURCE_EXHAUSTED, and the largest list is smaller", async (t) => {
  const fixture = await startGrpc(t);
  const client = fixture.connect();
  const backends = Array.from({ length: 1_024 }, (_, i) => ({ address: `${"x".repeat(60)}${i}:65535` }));
  assert.ok(SetRequest.encode(SetRequest.create({ backends })).finish().length > 64 * 1_024);
  await assert.rejects(
    ask((done) => client.set(SetRequest.create({ service: "", backends }), done)),
    { code: status.RESOURCE_EXHAUSTED },
  );
  const most = Array.from({ length: 1_024 }, (_, i) => ({
    address: `${"x".repeat(45)}${i}:65535`,
    weight: 256,
  }));
  await ask((done) => client.set(SetRequest.create({ service: "", backends: most }), done));
});

test("of 1,000 calls opened at once on one connection 100 are carried out at a time", async (t) => {
  const fixture = await startGrpc(t);
  const { management } = fixture;
  let most = 0;
  let [asked, answered] = [0, 0];
  management.onAsk = async (kind) => {
    if (kind !== "set") return;
    asked += 1;
    most = Math.max(most, asked - answered);
    await new Promise(setImmediate);
    answered += 1;
  };
  const session = open(t, fixture);
  await once(session, "remoteSettings");
  const calls = Array.from({ length: 1_000 }, () => post(session, { body: frame(request) }));
  const codes = new Set(await Promise.all(calls));
  assert.deepEqual([...codes], [status.OK]);
  assert.ok(most > 1 && most <= 100, `${most} at once`);
  await stillAnswers(fixture);
});

test("10,000 calls that are reset as soon as they are opened do no harm", async (t) => {
  const fixture = await startGrpc(t);
  const session = open(t, fixture);
  await once(session, "connect");
  for (let i = 0; i < 10_000 && !session.destroyed; i++) {
    const stream = session.request({ ":method": "POST", ":path": SET, "content-type": "application/grpc" });
    stream.on("error", () => undefined).close(constants.NGHTTP2_CANCEL);
    if (i % 100 === 99) await new Promise(setImmediate);
  }
  await stillAnswers(fixture);
});

const GARBAGE: readonly (readonly [string, Buffer])[] = [
  ["an HTTP/1 request", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
  ["half a preface", PREFACE.subarray(0, 10)],
  ["a preface with one wrong byte", Buffer.from(PREFACE.toString().replace("SM", "SN"))],
  ["a TLS greeting", Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])],
  ["zeros", Buffer.alloc(4_096)],
  ["a frame of an impossible length", Buffer.concat([PREFACE, Buffer.alloc(9, 0xff)])],
  ["settings that are not whole", Buffer.concat([PREFACE, rawFrame(FRAME.settings, 0, 0, Buffer.alloc(5))])],
  [
    "headers that are no header block",
    Buffer.concat([HELLO, rawFrame(FRAME.headers, 4, 1, Buffer.alloc(64, 0xff))]),
  ],
  [
    "a header block without an end",
    Buffer.concat([
      HELLO,
      rawFrame(FRAME.headers, 0, 1, headerBlock({ ":method": "POST" })),
      ...Array.from({ length: 1_000 }, () =>
        rawFrame(FRAME.continuation, 0, 1, headerBlock({ a: "b".repeat(100) })),
      ),
    ]),
  ],
];

for (const [what, bytes] of GARBAGE) {
  test(`${what} is harmless, and the next call works`, async (t) => {
    const fixture = await startGrpc(t);
    const socket = connect(fixture.port, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.on("error", () => undefined).resume();
    await once(socket, "connect");
    await new Promise((resolve) => socket.write(bytes, resolve));
    await stillAnswers(fixture);
    socket.end();
    await stillAnswers(fixture);
  });
}

test("connections that end at any moment do no harm", async (t) => {
  const fixture = await startGrpc(t);
  const bytes = Buffer.concat([HELLO, ...openStreams(3)]);
  for (let length = 0; length <= bytes.length; length += 7) {
    const socket = connect(fixture.port, "127.0.0.1");
    socket.on("error", () => undefined).resume();
    await once(socket, "connect");
    socket.write(bytes.subarray(0, length), () => socket.resetAndDestroy());
    await closeOf(socket);
  }
  await stillAnswers(fixture);
  await until(() => fixture.management.watchers === 0);
});

test("a connection that says nothing is cut after 5 s", async (t) => {
  const { port, refusals } = await startGrpc(t);
  const startedMs = performance.now();
  const silent = connect(port, "127.0.0.1").resume();
  t.after(() => silent.destroy());
  await closeOf(silent);
  assert.equal(refusals.of("grpc").get("silent"), 1);
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs > 4_900 && tookMs < 10_000, `${tookMs} ms`);
});
