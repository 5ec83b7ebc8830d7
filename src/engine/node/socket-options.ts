import type { ServerOpts, TcpNetConnectOpts } from "node:net";
import type { Endpoint } from "../engine.js";

/**
 * Unsent bytes at which the sender is paused. More than the 64 KiB that Node reads at once, or every read would
 * pause the sender even if the kernel took all of it; small enough to bound a stalled connection to some 200 KiB.
 */
const WRITE_MARK_BYTES = 68 * 1024;

/** Waiting connections that the kernel keeps; cut to net.core.somaxconn. */
export const BACKLOG = 4096;

/** Both sides: half-close is passed on. See `relay.ts` for TCP_NODELAY. */
const SHARED = {
  allowHalfOpen: true,
  highWaterMark: WRITE_MARK_BYTES,
} as const;

/** Nothing is read from a client before its backend is connected. */
export const CLIENT_SOCKET_OPTIONS: ServerOpts = { ...SHARED, pauseOnConnect: true };

export function backendSocketOptions({ host, port }: Endpoint): TcpNetConnectOpts {
  return { ...SHARED, host, port, autoSelectFamily: false };
}
