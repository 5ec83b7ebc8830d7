import type { Socket } from "node:net";
import type { Route } from "../../proxy-header.js";

/** What node:net knows of a socket and does not tell: the handle of libuv, which has this since Node 0.x. */
interface Handle {
  /** These answer an errno, or 0. */
  getpeername?(address: Partial<Route["source"]>): number;
  getsockname?(address: Partial<Route["source"]>): number;
}

/**
 * The IP address of a client; "" of a Unix socket, or one that is gone already. Not by `remoteAddress`, which remembers
 * what it has found once, while `relay.ts` asks it whether a connection was aborted.
 */
export function peerAddress(socket: Socket): string {
  const found: { address?: string } = {};
  handleOf(socket)?.getpeername?.(found);
  return found.address ?? "";
}

/** Undefined of a Unix socket, or one that is gone already. */
export function routeOf(socket: Socket): Route | undefined {
  const [source, destination]: [Partial<Route["source"]>, Partial<Route["source"]>] = [{}, {}];
  const handle = handleOf(socket);
  handle?.getpeername?.(source);
  handle?.getsockname?.(destination);
  return isEnd(source) && isEnd(destination) ? { source, destination } : undefined;
}

function isEnd(end: Partial<Route["source"]>): end is Route["source"] {
  return end.address !== undefined && end.address !== "" && end.port !== undefined;
}

function handleOf(socket: Socket): Handle | null {
  return (socket as unknown as { _handle: Handle | null })._handle;
}
