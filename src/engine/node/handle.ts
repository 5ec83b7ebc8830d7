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
  return peerOf(socket)?.address ?? "";
}

/** The same with the port. */
export function peerOf(socket: Socket): Route["source"] | undefined {
  const found: Partial<Route["source"]> = {};
  handleOf(socket)?.getpeername?.(found);
  return isEnd(found) ? found : undefined;
}

/** Undefined of a Unix socket, or one that is gone already. */
export function routeOf(socket: Socket): Route | undefined {
  const source = peerOf(socket);
  const destination: Partial<Route["source"]> = {};
  handleOf(socket)?.getsockname?.(destination);
  return source && isEnd(destination) ? { source, destination } : undefined;
}

function isEnd(end: Partial<Route["source"]>): end is Route["source"] {
  return end.address !== undefined && end.address !== "" && end.port !== undefined;
}

function handleOf(socket: Socket): Handle | null {
  return (socket as unknown as { _handle: Handle | null })._handle;
}
