import type { ClientReadableStream } from "@grpc/grpc-js";
import type { SeamlessServiceClient } from "@seamless/proto";
import { abortable, delay } from "./abortable.js";
import { backoffDelayMs } from "./backoff.js";
import type { CallContext } from "./call-context.js";
import { isBreak, SeamlessError } from "./errors.js";
import { readMessages } from "./message-stream.js";
import type { Deadline } from "./scopes.js";

/** Something that is followed over one stream after the other. */
export interface Source<Message, Value> {
  readonly method: string;
  /** Opens a stream that goes on behind what was read last. */
  open(client: SeamlessServiceClient): ClientReadableStream<Message>;
  /** The value to hand out; undefined if the message is no news. */
  read(message: Message): Value | undefined;
  /** Nothing comes after it. */
  isLast(value: Value): boolean;
}

export interface FollowSettings {
  readonly signal: AbortSignal | undefined;
  readonly onReconnect?: ((error: SeamlessError, attempt: number) => void) | undefined;
  readonly deadline?: Deadline | undefined;
}

/** The values of a source, each iteration with a source of its own. */
export function follow<Message, Value>(
  context: CallContext,
  settings: FollowSettings,
  createSource: () => Source<Message, Value>,
): AsyncIterable<Value> {
  return {
    [Symbol.asyncIterator]() {
      const left = new AbortController();
      const values = followSource(context, settings, createSource(), left.signal);
      return {
        next: () => values.next(),
        // Of itself a generator returns only once a `next` under way has its value, which may be never.
        return() {
          left.abort();
          return values.return(undefined);
        },
      };
    },
  };
}

/**
 * Following is in one of three states:
 * - starting: no stream has held yet. Failures are tried again as often as the options allow, then thrown.
 * - following: a stream is open, or is being opened again after a break, without end.
 * - over: the last value was read, or it was aborted, closed, left, or failed for a reason that no trying again
 *   changes.
 *
 * A stream has held if it gave a message, or if it lasted longer than the longest wait between attempts: one that
 * resumes may rightly stay silent. That ends a row of failures, and with it the growth of the waits.
 */
interface Progress {
  starting: boolean;
  over: boolean;
  /** In a row. */
  failures: number;
}

async function* followSource<Message, Value>(
  context: CallContext,
  settings: FollowSettings,
  source: Source<Message, Value>,
  left: AbortSignal,
): AsyncGenerator<Value, undefined> {
  const { method } = source;
  const { signal, deadline } = settings;
  const scope = context.scopes.open({ method, signal, left, deadline });
  const progress: Progress = { starting: true, over: false, failures: 0 };
  try {
    while (!progress.over) {
      try {
        yield* followOneStream(context, source, progress, scope.signal);
      } catch (error) {
        scope.signal.throwIfAborted();
        await recover(context, settings, progress, {
          error: SeamlessError.from(error, method),
          signal: scope.signal,
        });
      }
    }
  } catch (error) {
    if (!left.aborted) throw error;
  } finally {
    scope.end();
  }
  return undefined;
}

/** Ends with the last value, or by throwing. */
async function* followOneStream<Message, Value>(
  { link, settings: { retry, target } }: CallContext,
  source: Source<Message, Value>,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<Value, void> {
  signal.throwIfAborted();
  const client = await abortable(link.ready(source.method), signal);
  const openedMs = Date.now();
  try {
    for await (const message of readMessages(source.open(client), signal)) {
      hasHeld(progress);
      const value = source.read(message);
      if (value === undefined) continue;
      progress.over = source.isLast(value);
      yield value;
      if (progress.over) return;
    }
  } finally {
    if (Date.now() - openedMs > retry.maxDelayMs) hasHeld(progress);
  }
  throw new SeamlessError("UNAVAILABLE", `the proxy at ${target.address} ended the watch`, {
    status: "UNAVAILABLE",
    method: source.method,
  });
}

function hasHeld(progress: Progress): void {
  progress.starting = false;
  progress.failures = 0;
}

/** Waits until a stream is to be opened again, or throws the failure if that won't help. */
async function recover(
  { settings: { retry }, random }: CallContext,
  { onReconnect }: FollowSettings,
  progress: Progress,
  { error, signal }: { error: SeamlessError; signal: AbortSignal },
): Promise<void> {
  progress.failures += 1;
  const givesUp = progress.starting && progress.failures >= retry.attempts;
  if (givesUp || !isBreak(error)) throw error;
  onReconnect?.(error, progress.failures);
  await delay(backoffDelayMs(progress.failures, retry, random), signal);
}
