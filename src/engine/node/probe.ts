import type { Socket } from "node:net";

export const PROBE_INTERVAL_MS = 1_000;

const NOTHING = Buffer.alloc(0);

/**
 * Asks the kernel whether a side that is not being read has aborted. libuv watches a socket only while it reads or
 * has something to write, so that the RST of a peer that has half-closed before, or whose data waits for a slow
 * reader, would stay unnoticed. Sending zero bytes fails with the socket's pending error, and does nothing else.
 */
export function probeLeg(leg: Socket): void {
  const unread = leg.readableEnded || leg.isPaused();
  if (unread && leg.writableLength === 0 && leg.writable) leg.write(NOTHING);
}
