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
  source.on("end", () => endWhenFlushed(sink));
}

/** See `reset.ts` for why the shutdown must not wait behind queued data. */
function endWhenFlushed(sink: Socket): void {
  if (sink.writableLength === 0) sink.end();
  else sink.write(NOTHING, () => sink.end());
}
