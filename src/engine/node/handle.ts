import type { Server, Socket } from "node:net";

/** What node:net knows of a socket and does not tell: the handle of libuv, which has these since Node 0.x. */
interface Handle {
  readonly fd: number;
  /** Answers an errno, or 0. */
  getpeername?(address: { address?: string }): number;
}

/** The descriptor of a listening server. */
export function descriptorOf(server: Server): number {
  return (server as unknown as { _handle: Handle })._handle.fd;
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
