import { isIPv4 } from "node:net";
import { canonicalIp } from "./address.js";

/** Version of the header of the PROXY protocol; 0: none. See https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt */
export type ProxyProtocol = 0 | 1 | 2;

/** Who connected to whom: numeric addresses of one family, and ports. */
export interface Route {
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

export const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n");
export const LOCAL = 0x20;
export const PROXY = 0x21;
export const FAMILY = { unspecified: 0x00, tcp4: 0x11, tcp6: 0x21 } as const;

/**
 * The header that says who a client is.
 * @param route undefined: not known
 */
export function proxyHeader(version: 1 | 2, route: Route | undefined): Buffer {
  if (!route) return version === 1 ? Buffer.from("PROXY UNKNOWN\r\n") : binary(PROXY, FAMILY.unspecified);
  const plainOnes = [plain(route.source.address), plain(route.destination.address)] as const;
  const isV4 = plainOnes.every(isIPv4);
  const [source, destination] = isV4 ? plainOnes : [asIpv6(plainOnes[0]), asIpv6(plainOnes[1])];
  const ports = [route.source.port, route.destination.port] as const;
  if (version === 1)
    return Buffer.from(`PROXY TCP${isV4 ? 4 : 6} ${source} ${destination} ${ports.join(" ")}\r\n`);
  const body = Buffer.concat([
    bytesOf(source),
    bytesOf(destination),
    Buffer.from(Uint16Array.from(ports).buffer).swap16(),
  ]);
  return binary(PROXY, isV4 ? FAMILY.tcp4 : FAMILY.tcp6, body);
}

/** The header of a connection that the proxy makes for itself, such as a health check. */
export function localHeader(version: 1 | 2): Buffer {
  return version === 1 ? proxyHeader(1, undefined) : binary(LOCAL, FAMILY.unspecified);
}

function binary(command: number, family: number, body = Buffer.alloc(0)): Buffer {
  const head = Buffer.from([command, family, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([SIGNATURE, head, body]);
}

/** An IPv4 client of a socket for both families is an IPv4 one. */
function plain(address: string): string {
  return canonicalIp(address.replace(/%.*$/, ""));
}

const asIpv6 = (address: string): string => (isIPv4(address) ? `::ffff:${address}` : address);

/** An IP address in network byte order; 4 bytes of an IPv4 one, also if it is mapped into IPv6. */
export function ipBytes(address: string): Buffer {
  return bytesOf(plain(address));
}

function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const mapped = /^::ffff:(.*\..*)$/.exec(address)?.[1];
  if (mapped !== undefined)
    return Buffer.concat([Buffer.alloc(10), Buffer.from([255, 255]), bytesOf(mapped)]);
  const [head = "", tail] = address.split("::");
  const groups = (text: string): string[] => text.split(":").filter((group) => group !== "");
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - before.length - after.length }, () => "0");
  const all = [...before, ...zeros, ...after].map((group) => parseInt(group, 16));
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
