import type { Socket } from "node:net";

/**
 * Closes a socket so that its peer sees an abort (RST). libuv refuses that while a shutdown (FIN) is under way, and
 * would then leave the socket open for ever; `relay.ts` begins a shutdown only when nothing is queued, so that it is
 * over within one turn of the event loop, which is waited for here.
 */
export function resetLeg(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded && !socket.writableFinished) {
    socket.once("finish", () => setImmediate(() => resetLeg(socket)));
    return;
  }
  socket.resetAndDestroy();
}
