import type { IncomingHttpHeaders } from "node:http";
import { isIPv6 } from "node:net";
import type { ManagementAddress } from "./management-socket.js";

/** What the guard looks at. */
export interface RequestFacts {
  /** What an absolute request target names. */
  readonly authority: string | undefined;
  /** All Host headers. */
  readonly hosts: readonly string[];
  readonly headers: IncomingHttpHeaders;
  /** Whether the request reads only. */
  readonly readsOnly: boolean;
}

/**
 * Keeps web pages from driving the proxy: a page can send GETs to loopback ports, also under a name that it has
 * rebound to 127.0.0.1, and browsers differ in what they block. Every one of them adds something that curl does not:
 * a foreign Host, Origin, Referer, Sec-Fetch-*, or a User-Agent that begins with Mozilla/.
 *
 * @returns why the request is refused; undefined if it may pass
 */
export type BrowserGuard = (facts: RequestFacts) => string | undefined;

/** Where the server listens; "all addresses" is none that a Host may name. */
export type OwnAddress = ManagementAddress & {
  /** Whatever name it is reached by: its certificate says which are its own. */
  readonly anyName?: boolean;
};

export function createBrowserGuard(own: OwnAddress): BrowserGuard {
  const isOurs = namesOwn(own);
  return (facts) => refuseHost(facts, isOurs) ?? (facts.readsOnly ? refuseRead(facts) : refuseChange(facts));
}

/** Whether a Host is one of the server's own. */
function namesOwn(own: OwnAddress): (authority: string) => boolean {
  const read = (authority: string): RegExpExecArray | null =>
    /^(\[[0-9a-f:]+\]|[^:]+)(?::(\d+))?$/.exec(authority.toLowerCase());
  if (own.anyName === true) return (authority) => read(authority) !== null;
  // No browser opens a Unix socket, but what listens on a port and passes on to it may be reached by one.
  if ("path" in own) return (authority) => read(authority)?.[1] === "localhost";
  const names = new Set(["localhost", "127.0.0.1", "[::1]", isIPv6(own.host) ? `[${own.host}]` : own.host]);
  for (const everywhere of ["0.0.0.0", "[::]"]) names.delete(everywhere);
  return (authority) => {
    const [, name = "", port = 80] = read(authority) ?? [];
    return names.has(name) && Number(port) === own.port;
  };
}

function refuseHost(
  { hosts, authority }: RequestFacts,
  isOurs: (authority: string) => boolean,
): string | undefined {
  const [host, second] = hosts;
  if (host === undefined) return "the Host header is missing";
  if (second !== undefined) return "there is more than one Host header";
  if (!isOurs(host)) return "the Host header does not name this proxy";
  if (authority !== undefined && authority.toLowerCase() !== host.toLowerCase())
    return "Host and address differ";
  return undefined;
}

function refuseRead({ headers }: RequestFacts): string | undefined {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "none" && site !== "same-origin") return "it comes from another site";
  return headers.origin === undefined ? undefined : "it carries an Origin";
}

function refuseChange({ headers }: RequestFacts): string | undefined {
  const forbidden = Object.keys(headers).find((name) => /^(origin|referer|sec-fetch-.*)$/.test(name));
  if (forbidden !== undefined) return `it carries ${forbidden}, as a browser's request does`;
  return /^\s*mozilla\//i.test(headers["user-agent"] ?? "") ? "it comes from a browser" : undefined;
}
