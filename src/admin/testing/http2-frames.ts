import { constants } from "node:http2";

/** Frames of HTTP/2 (RFC 9113) and gRPC as bytes, also those that no client would send. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, continuation: 9 } as const;

export function rawFrame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What a client begins with. */
export const HELLO = Buffer.concat([PREFACE, rawFrame(FRAME.settings, 0, 0)]);

/** A client takes a call back. */
export function cancel(stream: number): Buffer {
  const code = Buffer.alloc(4);
  code.writeUInt32BE(constants.NGHTTP2_CANCEL);
  return rawFrame(FRAME.reset, 0, stream, code);
}

/** Literal header fields without indexing (RFC 7541, section 6.2.2). */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const fields = Object.entries(headers).map(([name, value]) => [Buffer.from([0]), text(name), text(value)]);
  return Buffer.concat(fields.flat());
}

/** The header block of a call of one of our methods. */
export function callBlock(method: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return headerBlock({
    ":method": "POST",
    ":scheme": "http",
    ":path": `/seamless.v1.SeamlessService/${method}`,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
}

/** Watches that are opened one after the other and left open. */
export function openStreams(count: number): Buffer[] {
  const block = callBlock("WatchBackends");
  return Array.from({ length: count }, (_, i) => {
    const id = 2 * i + 1;
    const [endHeaders, endStream] = [4, 1];
    return Buffer.concat([
      rawFrame(FRAME.headers, endHeaders, id, block),
      rawFrame(FRAME.data, endStream, id, frame(Buffer.alloc(0))),
    ]);
  });
}

/** A message as gRPC sends it. */
export function frame(message: Uint8Array, { compressed = false, length = message.length } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed ? 1 : 0, 0);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}
