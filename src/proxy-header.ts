import { isIPv4 } from "node:net";
import { canonicalIp, ipBytes, withoutZone } from "./address.js";

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
  const plainOnes = [plain(route.source.address), plain(route.destination.address)];
  const ports = [route.source.port, route.destination.port];
  const isV4 = plainOnes.every(isIPv4);
  if (version === 1) {
    const written = isV4 ? plainOnes : plainOnes.map((each) => (isIPv4(each) ? `::ffff:${each}` : each));
    return Buffer.from(`PROXY TCP${isV4 ? 4 : 6} ${[...written, ...ports].join(" ")}\r\n`);
  }
  const addresses = plainOnes.map(ipBytes).map((bytes) => (isV4 ? bytes : widened(bytes)));
  const body = Buffer.concat([...addresses, Buffer.from(Uint16Array.from(ports).buffer).swap16()]);
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
  return canonicalIp(withoutZone(address));
}

const MAPPED = Buffer.from("00000000000000000000ffff", "hex");

function widened(bytes: Buffer): Buffer {
  return bytes.length === 4 ? Buffer.concat([MAPPED, bytes]) : bytes;
}
