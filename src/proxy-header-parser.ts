import { isIPv4, isIPv6 } from "node:net";
import { canonicalIp } from "./address.js";
import { FAMILY, LOCAL, PROXY, SIGNATURE, type Route } from "./proxy-header.js";

/** What a header says and how long it is, or that there is not all of it yet. */
export type ParsedHeader =
  | { readonly status: "complete"; readonly size: number; readonly route: Route | undefined }
  | { readonly status: "incomplete" | "wrong" };

const MOST_LINE = 107;
/** Addresses take 52 bytes in version 2; the rest are additions, which are skipped. */
const MOST_BYTES = 4_096;
const HEAD_BYTES = 16;
const WRONG: ParsedHeader = { status: "wrong" };
const INCOMPLETE: ParsedHeader = { status: "incomplete" };

/** Reads a header of either version, of which more may be to come. The route of the sender's own connections is undefined. */
export function parseProxyHeader(data: Buffer): ParsedHeader {
  if (data.length === 0) return INCOMPLETE;
  if (beginsWith(data, SIGNATURE)) return parseBinary(data);
  return beginsWith(data, Buffer.from("PROXY ")) ? parseLine(data) : WRONG;
}

function parseLine(data: Buffer): ParsedHeader {
  const end = data.subarray(0, MOST_LINE).indexOf("\r\n");
  if (end < 0) return data.length < MOST_LINE ? INCOMPLETE : WRONG;
  const line = data.toString("latin1", 0, end);
  const size = end + 2;
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { status: "complete", size, route: undefined };
  const route = routeOfLine(line);
  return route ? { status: "complete", size, route } : WRONG;
}

const LINE =
  /^PROXY TCP(?<family>[46]) (?<source>[^ %]+) (?<destination>[^ %]+) (?<from>\d{1,5}) (?<to>\d{1,5})$/;

type Fields = Readonly<Record<"family" | "source" | "destination" | "from" | "to", string>>;

function routeOfLine(line: string): Route | undefined {
  const fields = LINE.exec(line)?.groups as Fields | undefined;
  if (!fields) return undefined;
  const { family, source, destination, from, to } = fields;
  const isRight = family === "4" ? isIPv4 : isIPv6;
  const ports = [Number(from), Number(to)] as const;
  if (![source, destination].every(isRight) || Math.max(...ports) > 65_535) return undefined;
  return {
    source: { address: source, port: ports[0] },
    destination: { address: destination, port: ports[1] },
  };
}

/** 16 bytes, of which the last two are the length of the rest. */
function parseBinary(data: Buffer): ParsedHeader {
  if (data.length < HEAD_BYTES) return INCOMPLETE;
  const [command, family] = [data.readUInt8(12), data.readUInt8(13)];
  const size = HEAD_BYTES + data.readUInt16BE(14);
  if ((command !== LOCAL && command !== PROXY) || size > MOST_BYTES) return WRONG;
  if (data.length < size) return INCOMPLETE;
  const width = { [FAMILY.tcp4]: 4, [FAMILY.tcp6]: 16 }[family];
  // The sender's own connection, or a family that says nothing of clients by TCP.
  if (command === LOCAL || width === undefined) return { status: "complete", size, route: undefined };
  const body = data.subarray(HEAD_BYTES, size);
  if (body.length < 2 * width + 4) return WRONG;
  return { status: "complete", size, route: routeOfBody(body, width) };
}

function routeOfBody(body: Buffer, width: number): Route {
  const [source, destination] = [body.subarray(0, width), body.subarray(width, 2 * width)];
  return {
    source: { address: textOf(source), port: body.readUInt16BE(2 * width) },
    destination: { address: textOf(destination), port: body.readUInt16BE(2 * width + 2) },
  };
}

function beginsWith(data: Buffer, expected: Buffer): boolean {
  const size = Math.min(data.length, expected.length);
  return data.compare(expected, 0, size, 0, size) === 0;
}

function textOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return canonicalIp(groups.join(":"));
}
