import type { ServerOpts, SocketConstructorOpts, TcpNetConnectOpts } from "node:net";
import type { Endpoint } from "../engine.js";

/**
 * Unsent bytes at which the sender is paused. More than the 64 KiB that Node reads at once, or every read would
 * pause the sender even if the kernel took all of it; small enough to bound a stalled connection to some 200 KiB.
 */
const WRITE_MARK_BYTES = 68 * 1024;

/** Waiting connections that the kernel keeps; cut to net.core.somaxconn. */
export const BACKLOG = 4096;

/** Half-close is passed on, both ways. Nothing is read from a client before its backend is connected. */
export const CLIENT_SOCKET_OPTIONS: ServerOpts = {
  allowHalfOpen: true,
  highWaterMark: WRITE_MARK_BYTES,
  pauseOnConnect: true,
};

/** `connect` passes them on to the constructor of a stream, which its types don't say. */
type BackendSocketOptions = TcpNetConnectOpts & SocketConstructorOpts & { readonly highWaterMark: number };

/** Written out: spreading what both sides have in common took 4 % of the CPU of a connection. */
export function backendSocketOptions({ host, port }: Endpoint): BackendSocketOptions {
  return { allowHalfOpen: true, highWaterMark: WRITE_MARK_BYTES, host, port, autoSelectFamily: false };
}
