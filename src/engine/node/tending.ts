import type { Socket } from "node:net";

/**
 * What is done for connections that have lived for a while, in one sweep over all of them. Short connections, of
 * which there are most, never pay for it.
 */
export const TENDING_INTERVAL_MS = 1_000;

/** Idle time before the kernel asks a silent peer whether it is still there. */
const KEEP_ALIVE_MS = 60_000;

const NOTHING = Buffer.alloc(0);

/** Lets the kernel find a peer that has vanished. Four system calls, so not at the start of each connection. */
export function keepAlive(leg: Socket): void {
  leg.setKeepAlive(true, KEEP_ALIVE_MS);
}

/**
 * Asks the kernel whether a side that is not being read has aborted. libuv watches a socket only while it reads or
 * has something to write, so that the RST of a peer that has half-closed before, or whose data waits for a slow
 * reader, would stay unnoticed. Sending zero bytes fails with the socket's pending error, and does nothing else.
 */
export function probe(leg: Socket): void {
  const unread = leg.readableEnded || leg.isPaused();
  if (unread && leg.writableLength === 0 && leg.writable) leg.write(NOTHING);
}
