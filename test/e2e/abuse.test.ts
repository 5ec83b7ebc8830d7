import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import {
  callBlock,
  cancel,
  FRAME,
  frame,
  headerBlock,
  HELLO,
  openStreams,
  rawFrame,
} from "seamless/testing/http2-frames";
import { startWebOrEcho } from "../support/backends.js";
import { CheckedStream } from "../support/checked-stream.js";
import { hasProgram } from "../support/programs.js";
import { startProxy, type RunningProxy } from "../support/proxy.js";
import { newConnections } from "../support/wrk.js";

const MIB = 1024 * 1024;
/** Of one abuser, whatever he sends. With the node engine V8 grows with the load on the data port, too. */
const MOST_GROWN = (process.env["SEAMLESS_ENGINE"] === "node" ? 96 : 32) * MIB;
/** Of 40 at once: 55 to 100 on Node 20, 185 on Node 24, which collects later. */
const MOST_GROWN_BY_CROWD = 256 * MIB;
/** The claim is 100 ms, and is told; a test must hold on a busy machine, too. */
const MOST_MS = 5_000;
const STREAMS = 20;

const END_HEADERS = 4;
const END_STREAM = 1;

/** So many streams, the frames of each made from its id. */
function streams(count: number, make: (id: number) => readonly Buffer[]): Buffer {
  return Buffer.concat([HELLO, ...Array.from({ length: count }, (_, i) => make(2 * i + 1)).flat()]);
}

/** Calls of `Set` with this message. */
function calls(count: number, message: Buffer, encoding?: string): Buffer {
  const block = callBlock("Set", encoding === undefined ? {} : { "grpc-encoding": encoding });
  const piece = 16_000;
  return streams(count, (id) => {
    const body = frame(message, { compressed: encoding !== undefined });
    const pieces = Array.from({ length: Math.ceil(body.length / piece) }, (_, i) =>
      rawFrame(FRAME.data, 0, id, body.subarray(i * piece, (i + 1) * piece)),
    );
    return [rawFrame(FRAME.headers, END_HEADERS, id, block), ...pieces, rawFrame(FRAME.data, END_STREAM, id)];
  });
}

const watch = headerBlock({ ":method": "POST", ":scheme": "http", ":path": "/x", ":authority": "localhost" });

/** As many as a frame has room for, each of which is to be unpacked. */
const NOTHINGS = Buffer.concat(Array<Buffer>(3_200).fill(frame(Buffer.alloc(0), { compressed: true })));
const QUESTIONS = Buffer.concat(Array<Buffer>(10).fill(frame(Buffer.from([0x3a, 0]))));
const REFLECTION = callBlock("", {
  ":path": "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
});

const OPENED = Buffer.concat([HELLO, ...openStreams(20_000)]);
const GARBAGE = Buffer.concat([HELLO, Buffer.alloc(MIB, 0xff)]);
const LARGE = calls(50, Buffer.alloc(MIB));
const BOMBS = calls(50, gzipSync(Buffer.alloc(32 * MIB)), "gzip");
const NO_GZIP = calls(500, Buffer.alloc(1_000, 7), "gzip");

/** What one connection sends. */
const FLOODS: readonly (readonly [what: string, bytes: Buffer])[] = [
  ["20,000 streams that are opened and left open", OPENED],
  [
    "20,000 streams that are reset at once",
    streams(20_000, (id) => [rawFrame(FRAME.headers, END_HEADERS, id, watch), cancel(id)]),
  ],
  [
    "100,000 pings whose answers are not read",
    Buffer.concat([HELLO, ...Array<Buffer>(100_000).fill(rawFrame(FRAME.ping, 0, 0, Buffer.alloc(8)))]),
  ],
  [
    "20,000 settings whose answers are not read",
    Buffer.concat([HELLO, ...Array<Buffer>(20_000).fill(rawFrame(FRAME.settings, 0, 0))]),
  ],
  ["garbage instead of frames", GARBAGE],
  ["messages of 1 MiB", LARGE],
  ["messages that unpack to 32 MiB", BOMBS],
  ["messages that say they are gzip and are not", NO_GZIP],
  [
    "3,200 messages of nothing in each call, as gzip",
    streams(50, (id) => [
      rawFrame(FRAME.headers, END_HEADERS, id, callBlock("Set", { "grpc-encoding": "gzip" })),
      rawFrame(FRAME.data, 0, id, NOTHINGS),
    ]),
  ],
  [
    "60,000 questions to reflection whose answers are not read",
    Buffer.concat([
      streams(100, (id) => [rawFrame(FRAME.headers, END_HEADERS, id, REFLECTION)]),
      ...Array.from({ length: 6_000 }, (_, i) => rawFrame(FRAME.data, 0, 2 * (i % 100) + 1, QUESTIONS)),
    ]),
  ],
];

/** What so many connections send at once. Those with garbage come last: Node 20 keeps them open until they miss a ping. */
const CROWDS: readonly (readonly [what: string, bytes: Buffer, connections: number])[] = [
  ["streams that are left open by 40", OPENED, 40],
  ["messages of 1 MiB from 40", LARGE, 40],
  ["messages that unpack to 32 MiB from 40", BOMBS, 40],
  ["messages that say they are gzip and are not from 40", NO_GZIP, 40],
  ["garbage from 40", GARBAGE, 40],
];

/** Sends it without reading what comes back, until it is sent or the proxy has had enough. */
async function abuse(t: TestContext, port: number, bytes: Buffer): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" }).on("error", () => undefined);
  t.after(() => socket.destroy());
  await once(socket, "connect");
  await Promise.race([new Promise((resolve) => socket.write(bytes, resolve)), settled(socket)]);
  return socket;
}

/** It is closed, or nothing can be sent for a while. */
function settled(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on("close", () => resolve());
    let sent = -1;
    const looking = setInterval(() => {
      if (sent === socket.bytesWritten - socket.writableLength) {
        clearInterval(looking);
        resolve();
      }
      sent = socket.bytesWritten - socket.writableLength;
    }, 250);
  });
}

async function msToAnswer({ client }: RunningProxy): Promise<number> {
  const startedMs = performance.now();
  await client.get();
  return performance.now() - startedMs;
}

/** Sent while new connections and open streams use the data port. @returns the most memory there was */
async function flood(
  t: TestContext,
  proxy: RunningProxy,
  { what, bytes, connections }: { what: string; bytes: Buffer; connections: number },
): Promise<number> {
  const port = Number(proxy.grpc.split(":").at(-1));
  const load = newConnections(proxy.port, 1, 4);
  const sockets = await Promise.all(Array.from({ length: connections }, () => abuse(t, port, bytes)));
  const tookMs = await msToAnswer(proxy);
  assert.equal((await load).failures, "", what);
  for (const socket of sockets) socket.destroy();
  assert.ok(tookMs < MOST_MS, `${what}: ${tookMs} ms`);
  const most = proxy.mostResidentBytes();
  t.diagnostic(
    `${what}: the next call took ${tookMs.toFixed(1)} ms; at most ${(most / MIB).toFixed(1)} MiB resident`,
  );
  return most;
}

test("whatever comes to the gRPC port, the data flows, memory is bounded, and the next call is answered", async (t) => {
  if (!hasProgram(t, "wrk")) return;
  const backend = await startWebOrEcho(t, "a");
  const proxy = await startProxy(t, { backends: [backend.address] });
  const open = Array.from({ length: STREAMS }, () => new CheckedStream(proxy.port));
  t.after(() => open.forEach((stream) => stream.destroy()));
  // What the load itself takes.
  await newConnections(proxy.port, 1, 4);
  proxy.mostResidentBytes();
  for (const [what, bytes] of [...FLOODS, ...FLOODS]) {
    const before = proxy.residentBytes();
    const grown = (await flood(t, proxy, { what, bytes, connections: 1 })) - before;
    assert.ok(grown < MOST_GROWN, `${what}: ${(grown / MIB).toFixed(1)} MiB more`);
  }
  const before = proxy.residentBytes();
  for (const [what, bytes, connections] of CROWDS) {
    const grown = (await flood(t, proxy, { what, bytes, connections })) - before;
    assert.ok(grown < MOST_GROWN_BY_CROWD, `${what}: ${(grown / MIB).toFixed(1)} MiB more`);
  }
  for (const { sent, received } of await Promise.all(open.map((stream) => stream.end())))
    assert.equal(received, sent);
});
