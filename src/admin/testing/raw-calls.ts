import assert from "node:assert/strict";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { SetRequest, type GetResponse } from "@seamless/proto";
import { ask, type GrpcFixture } from "./grpc-fixture.js";
import { frame, HELLO } from "./http2-frames.js";
import { closeOf } from "./waiting.js";

export const SET = "/seamless.v1.SeamlessService/Set";
export const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

export function open(t: TestContext, { target }: GrpcFixture): ClientHttp2Session {
  const session = connectHttp2(`http://${target}`);
  session.on("error", () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** A connection on which frames are written by hand, whatever it answers. */
export function openRaw(t: TestContext, { port }: GrpcFixture): Socket {
  const socket = connectTcp(port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => undefined).write(HELLO);
  return socket.resume();
}

export interface Post {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** One raw call; the `grpc-status` it ends with, undefined if the stream just ends. */
export async function post(
  session: ClientHttp2Session,
  { path = SET, headers, body }: Post,
): Promise<number | undefined> {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  let code: number | undefined;
  const read = (received: Record<string, unknown>): void => {
    if (received["grpc-status"] !== undefined) code = Number(received["grpc-status"]);
  };
  stream.on("response", read).on("trailers", read);
  stream.on("error", () => undefined);
  stream.resume().end(body);
  if (!stream.closed) await closeOf(stream);
  return code;
}

export async function stillAnswers({ connect: connectClient }: GrpcFixture): Promise<void> {
  const { proxy } = await ask<GetResponse>((done) =>
    connectClient().get({ service: "", linearizable: false }, done),
  );
  assert.equal(proxy?.version, "1.2.3");
}

/** A request that is carried out. */
export const request = SetRequest.encode(SetRequest.create({ backends: [{ address: "a:1" }] })).finish();

export function gzip(body: Uint8Array): Post {
  return { headers: { "grpc-encoding": "gzip" }, body: frame(body, { compressed: true }) };
}
