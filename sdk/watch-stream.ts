import type { ClientReadableStream } from "@grpc/grpc-js";
import type { ServiceState, WatchBackendsResponse } from "@seamless/proto";
import { onAbort } from "./abortable.js";

/**
 * The states of one stream, read as fast as they are taken: what is not taken stays in HTTP/2's window, and when
 * that is full the proxy sends the latest state only. Leaving the loop, or aborting the signal, cancels the stream.
 */
export async function* readStates(
  stream: ClientReadableStream<WatchBackendsResponse>,
  signal: AbortSignal,
): AsyncGenerator<ServiceState, void> {
  // The status of a stream that was left comes when nobody listens any more, and must not end the process.
  stream.on("error", () => undefined);
  const release = onAbort(signal, () => stream.cancel());
  try {
    for await (const { state } of stream as AsyncIterable<WatchBackendsResponse>) {
      signal.throwIfAborted();
      if (state) yield state;
    }
  } finally {
    release();
    stream.cancel();
  }
}
