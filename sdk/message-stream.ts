import type { ClientReadableStream } from "@grpc/grpc-js";
import { onAbort } from "./abortable.js";

/**
 * The messages of one stream, read as fast as they are taken: what is not taken stays in HTTP/2's window, and when
 * that is full the proxy sends the latest only. Leaving the loop, or aborting the signal, cancels the stream.
 */
export async function* readMessages<Message>(
  stream: ClientReadableStream<Message>,
  signal: AbortSignal,
): AsyncGenerator<Message, void> {
  // The status of a stream that was left comes when nobody listens any more, and must not end the process.
  stream.on("error", () => undefined);
  const release = onAbort(signal, () => stream.cancel());
  try {
    for await (const message of stream as AsyncIterable<Message>) {
      signal.throwIfAborted();
      yield message;
    }
  } finally {
    release();
    stream.cancel();
  }
}
