import { isIPv4, isIPv6 } from "node:net";
import { ProxyError } from "./errors.js";

/** A network address in canonical form: lower case, IPv6 shortened and without brackets, mapped IPv4 unmapped. */
export interface Address {
  readonly kind: "name" | "ip";
  readonly host: string;
  readonly port: number;
}

/** RFC 1035, section 2.3.4. */
const MAX_NAME_LENGTH = 253;
/** Letters, digits and hyphens (RFC 1123, section 2.1), and the underscore that container networks use. */
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
/** What resolvers read as a number: `127.1`, `0x7f000001`, `2130706433` would all mean 127.0.0.1. */
const NUMERIC_LABEL = /^(\d+|0x[0-9a-f]*)$/;

/**
 * Parses `host:port` (a host name, an IPv4 address, or an `[IPv6]` address) by its form alone: no look-up.
 * @throws ProxyError INVALID_ADDRESS, with the offending text in `details.address`
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) throw invalidAddress(text, explainForm(text));
  const [, bracketed, plain = "", digits = ""] = match;
  const port = parsePort(text, digits);
  if (bracketed !== undefined) {
    if (!isIPv6(bracketed) || bracketed.includes("%"))
      throw invalidAddress(text, "no IPv6 address in brackets");
    return { kind: "ip", host: canonicalIp(bracketed), port };
  }
  if (isIPv4(plain)) return { kind: "ip", host: plain, port };
  return { kind: "name", host: parseName(text, plain.toLowerCase()), port };
}

/** The text form of an address: `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The shortest spelling of an IP address (RFC 5952); an IPv4 address mapped into IPv6 becomes plain IPv4. */
export function canonicalIp(ip: string): string {
  if (isIPv4(ip)) return ip;
  const short = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (mapped === null) return short;
  const [high, low] = [parseInt(mapped[1] ?? "", 16), parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

export const withoutZone = (ip: string): string => ip.replace(/%.*$/, "");

/** An IP address in network byte order: 4 bytes of an IPv4 one, also if it is mapped into IPv6, or 16. */
export function ipBytes(ip: string): Buffer {
  const plain = canonicalIp(withoutZone(ip));
  if (isIPv4(plain)) return Buffer.from(plain.split(".").map(Number));
  const [before = [], after = []] = plain
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const groups = [...before, ...zeros, ...after].map((group) => parseInt(group, 16));
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function parsePort(text: string, digits: string): number {
  const port = Number(digits);
  if (port < 1 || port > 65_535) throw invalidAddress(text, `the port ${digits} is not between 1 and 65535`);
  if (String(port) !== digits) throw invalidAddress(text, `the port ${digits} has a leading zero`);
  return port;
}

function parseName(text: string, name: string): string {
  if (name.length > MAX_NAME_LENGTH)
    throw invalidAddress(text, `the host name is longer than ${MAX_NAME_LENGTH}`);
  const labels = name.replace(/\.$/, "").split(".");
  if (!labels.every((label) => LABEL.test(label))) {
    throw invalidAddress(
      text,
      name === "" ? "the host is missing" : "the host name has a character or form that names can't have",
    );
  }
  if (NUMERIC_LABEL.test(labels.at(-1) ?? ""))
    throw invalidAddress(text, "an IPv4 address has four numbers from 0 to 255");
  return name;
}

function explainForm(text: string): string {
  if (isIPv6(text)) return `an IPv6 address goes in brackets, as in [${text}]:80`;
  if (/:\d{6,}$/.test(text)) return "the port is not between 1 and 65535";
  if (!/:\d+$/.test(text)) return "the port is missing";
  return "expected host:port, with a host name, an IPv4 address or an [IPv6] address";
}

function invalidAddress(text: string, why: string): ProxyError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}…` : text;
  return new ProxyError("INVALID_ADDRESS", `'${shown}' is not valid network address: ${why}`, {
    details: { address: shown },
  });
}
