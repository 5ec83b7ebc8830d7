import type { Socket } from "node:net";
import type { LoopTurn } from "./loop-turn.js";

const NOTHING = Buffer.alloc(0);

/** Who is told of one direction, and in which turn of the event loop it is. */
export interface Meter {
  readonly count: (bytes: number) => void;
  /** The source has ended, or says so. */
  readonly ended: () => void;
  readonly turn: LoopTurn;
}

/**
 * Passes one direction on: data as it comes, pausing the source while the sink has more than its mark unsent; then
 * the end of the stream (FIN), once all data is on its way. The other direction goes on by itself: half-close stays
 * half-open. Aborts are the connection's business.
 *
 * libuv reports an end, and no error, when an abort arrives together with the last data: it takes POLLHUP after a
 * short read for one, and says so in the turn of that data. Only such an end is doubted; one that was read comes in a
 * later turn.
 *
 * Small messages go out at once (TCP_NODELAY) from the second piece on: the first never waits, since nothing before it
 * can be unacknowledged, and a connection with one question and one answer is spared the system calls.
 */
export function passOn(source: Socket, sink: Socket, { count, ended, turn }: Meter): void {
  let turnOfData = -1;
  let pieces = 0;
  source.on("data", (chunk: Buffer) => {
    count(chunk.length);
    turnOfData = turn.now();
    pieces += 1;
    if (pieces === 2) sink.setNoDelay(true);
    if (!sink.write(chunk)) source.pause();
  });
  sink.on("drain", () => source.resume());
  source.on("end", () => {
    ended();
    if (turnOfData === turn.now()) ifNotAborted(source, () => endWhenFlushed(sink));
    else endWhenFlushed(sink);
  });
}

/**
 * Sending zero bytes tells an abort from an end: it fails on an aborted socket, whose "error" then aborts the
 * connection. A source that has been sent its own FIN can't be asked any more, and is believed.
 */
function ifNotAborted(source: Socket, then: () => void): void {
  if (!source.writable) {
    then();
    return;
  }
  source.write(NOTHING, (error) => {
    if (!error) then();
  });
}

/** See `reset.ts` for why the shutdown must not wait behind queued data. */
function endWhenFlushed(sink: Socket): void {
  if (sink.writableLength === 0) sink.end();
  else sink.write(NOTHING, () => sink.end());
}
