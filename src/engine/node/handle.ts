import type { Socket } from "node:net";

/** What node:net knows of a socket and does not tell: the handle of libuv, which has this since Node 0.x. */
interface Handle {
  /** Answers an errno, or 0. */
  getpeername?(address: { address?: string }): number;
}

/**
 * The IP address of a client; "" of a Unix socket, or one that is gone already. Not by `remoteAddress`, which remembers
 * what it has found once, while `relay.ts` asks it whether a connection was aborted.
 */
export function peerAddress(socket: Socket): string {
  const found: { address?: string } = {};
  (socket as unknown as { _handle: Handle | null })._handle?.getpeername?.(found);
  return found.address ?? "";
}
