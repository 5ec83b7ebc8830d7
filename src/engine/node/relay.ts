import type { Socket } from "node:net";

const NOTHING = Buffer.alloc(0);

/**
 * Passes one direction on: data as it comes, pausing the source while the sink has more than its mark unsent; then
 * the end of the stream (FIN), once all data is on its way. The other direction goes on by itself: half-close stays
 * half-open. Aborts are the connection's business.
 */
export function passOn(source: Socket, sink: Socket, count: (bytes: number) => void): void {
  source.on("data", (chunk: Buffer) => {
    count(chunk.length);
    if (!sink.write(chunk)) source.pause();
  });
  sink.on("drain", () => source.resume());
  source.on("end", () => ifNotAborted(source, () => endWhenFlushed(sink)));
}

/**
 * libuv reports an end, and no error, when an abort arrives together with the last data (it takes POLLHUP after a
 * short read for one). Sending zero bytes tells them apart: it fails on an aborted socket, whose "error" then aborts
 * the connection. A source that has been sent its own FIN can't be asked any more, and is believed.
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
