import type { Socket } from "node:net";
import type { LoopTurns } from "./loop-turns.js";

const NOTHING = Buffer.alloc(0);

/**
 * An abort that looks like an end comes in the same turn of the event loop as the last data. For the first pieces it is
 * known which turn that was, so that short connections need not ask the kernel; for the many of a long one, knowing
 * it would cost more than asking once.
 */
const MARKED_PIECES = 2;

/** Who is told of one direction. */
export interface Meter {
  readonly count: (bytes: number) => void;
  /** The source has ended, or says so. */
  readonly ended: () => void;
  readonly turns: LoopTurns;
  /** False of a Unix socket, whose peer has no address to ask for. */
  readonly mayAbort: boolean;
}

/**
 * Passes one direction on: data as it comes, pausing the source while the sink has more than its mark unsent; then
 * the end of the stream (FIN), once all data is on its way. The other direction goes on by itself: half-close stays
 * half-open. Aborts are the connection's business.
 *
 * Small messages go out at once (TCP_NODELAY) from the second piece on: the first never waits, since nothing before it
 * can be unacknowledged, and a connection with one question and one answer is spared the system calls.
 */
export function passOn(source: Socket, sink: Socket, { count, ended, turns, mayAbort }: Meter): void {
  let pieces = 0;
  let turnOfData = 0;
  source.on("data", (chunk: Buffer) => {
    count(chunk.length);
    pieces += 1;
    if (pieces === 2) sink.setNoDelay(true);
    if (pieces <= MARKED_PIECES) turnOfData = turns.mark();
    if (!sink.write(chunk)) source.pause();
  });
  sink.on("drain", () => source.resume());
  const end = (): void => {
    ended();
    const mayBeAbort = mayAbort && (pieces > MARKED_PIECES || (pieces > 0 && turns.isNow(turnOfData)));
    if (mayBeAbort && wasAborted(source)) source.destroy(new Error("aborted together with its last data"));
    else endWhenFlushed(sink);
  };
  // A client that has sent a PROXY header has been read before, and may have said no more than that.
  if (source.readableEnded) end();
  else source.on("end", end);
}

/**
 * libuv reports an end, and no error, when an abort arrives together with the last data: it takes POLLHUP after a
 * short read for one. Asking for the peer's address tells them apart: the kernel knows none any more after an abort
 * (getpeername(2): ENOTCONN). Node remembers an address that it has found once, so it must not be asked before. A
 * source that has been sent its own FIN has none after its end either, and is believed.
 */
function wasAborted(source: Socket): boolean {
  return source.writable && source.remoteAddress === undefined;
}

/** See `reset.ts` for why the shutdown must not wait behind queued data. */
function endWhenFlushed(sink: Socket): void {
  if (sink.writableLength === 0) sink.end();
  else sink.write(NOTHING, () => sink.end());
}
