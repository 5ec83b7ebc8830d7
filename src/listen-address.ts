import { isIPv4 } from "node:net";
import { normalize } from "node:path";
import { formatAddress, parseAddress } from "./address.js";
import type { ListenAddress } from "./engine/engine.js";
import { ProxyError } from "./errors.js";

const MAX_PORT = 65_535;
const MOST_SHOWN = 300;

/**
 * Parses where clients connect: `8080`, `:8080` (as Go has it) and `*:8080` mean all interfaces, else an IP address or
 * localhost with a port, or `unix:/path`. Port 0 takes a free one.
 *
 * @throws ProxyError INVALID_ADDRESS
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith("unix:")) return { path: parsePath(text) };
  const port = /^(?:\*?:)?(\d+)$/.exec(text)?.[1];
  if (port !== undefined) return { host: "", port: parsePort(text, Number(port)) };
  const free = text.endsWith(":0");
  const { kind, host, port: given } = parseAddress(free ? text.replace(/0$/, "1") : text);
  if (kind === "name" && host !== "localhost") {
    throw refuse(text, "expected a port, a port of an IP address or of localhost, or unix:/path");
  }
  return { host: kind === "name" ? "127.0.0.1" : host, port: free ? 0 : given };
}

/** The text form, which `parseListenAddress` reads. */
export function formatListenAddress(address: ListenAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host === "" ? `:${address.port}` : formatAddress(address);
}

/** Whether no two sockets can listen at them. All interfaces, `""`, are those of IPv6 and of IPv4. */
export function overlaps(a: ListenAddress, b: ListenAddress): boolean {
  if ("path" in a || "path" in b)
    return "path" in a && "path" in b && normalize(a.path) === normalize(b.path);
  if (a.port !== b.port || a.port === 0) return false;
  const hosts = [a.host, b.host];
  if (a.host === b.host || hosts.some((host) => ["", "::"].includes(host))) return true;
  return hosts.includes("0.0.0.0") && hosts.every((host) => isIPv4(host));
}

function parsePort(text: string, port: number): number {
  if (port <= MAX_PORT) return port;
  throw refuse(text, `a port is at most ${MAX_PORT}`);
}

function parsePath(text: string): string {
  const path = text.slice("unix:".length);
  if (path.startsWith("/") && !path.endsWith("/") && !path.includes("\0")) return path;
  throw refuse(text, "expected an absolute path, as in unix:/run/seamless/web.sock");
}

function refuse(text: string, why: string): ProxyError {
  const address = text.slice(0, MOST_SHOWN);
  return new ProxyError("INVALID_ADDRESS", `'${address}' is no address to listen on: ${why}`, {
    details: { address },
  });
}
