import type { ServiceState, WatchPosition } from "@seamless/proto";
import { abortable, delay } from "./abortable.js";
import { backoffDelayMs } from "./backoff.js";
import type { CallContext } from "./call-context.js";
import { isBreak, SeamlessError } from "./errors.js";
import { isNews, toPosition, type WatchSettings } from "./watch-options.js";
import { readStates } from "./watch-stream.js";

const METHOD = "watch";

/** The states of a service, over one stream after the other. Each iteration is a watch of its own. */
export function watchStates(context: CallContext, settings: WatchSettings): AsyncIterable<ServiceState> {
  return {
    [Symbol.asyncIterator]() {
      const left = new AbortController();
      const states = followStates(context, settings, left.signal);
      return {
        next: () => states.next(),
        // Of itself a generator returns only once a `next` under way has its state, which may be never.
        return() {
          left.abort();
          return states.return(undefined);
        },
      };
    },
  };
}

/**
 * A watch is in one of three states:
 * - starting: no stream has held yet. Failures are tried again as often as the options allow, then thrown.
 * - following: a stream is open, or is being opened again after a break, without end. `position` is that of the
 *   last state handed out, so the next stream goes on behind it, whatever the broken one had in its buffers.
 * - over: aborted, closed, left, or failed for a reason that no trying again changes.
 *
 * A stream has held if it gave a state, or if it lasted longer than the longest wait between attempts: one that
 * resumes may rightly stay silent. That ends a row of failures, and with it the growth of the waits.
 */
interface Progress {
  starting: boolean;
  position: WatchPosition | undefined;
  /** In a row. */
  failures: number;
}

async function* followStates(
  context: CallContext,
  settings: WatchSettings,
  left: AbortSignal,
): AsyncGenerator<ServiceState, undefined> {
  const scope = context.scopes.open({ method: METHOD, signal: settings.signal, left });
  const progress: Progress = { starting: true, position: settings.after, failures: 0 };
  try {
    for (;;) {
      try {
        yield* followOneStream(context, settings.service, progress, scope.signal);
      } catch (error) {
        scope.signal.throwIfAborted();
        await recover(context, settings, progress, {
          error: SeamlessError.from(error, METHOD),
          signal: scope.signal,
        });
      }
    }
  } catch (error) {
    if (left.aborted) return undefined;
    throw error;
  } finally {
    scope.end();
  }
}

/** Ends only by throwing. */
async function* followOneStream(
  { link, settings: { retry, target } }: CallContext,
  service: string,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<ServiceState, never> {
  signal.throwIfAborted();
  const client = await abortable(link.ready(METHOD), signal);
  const openedMs = Date.now();
  try {
    const stream = client.watchBackends({ service, after: progress.position });
    for await (const state of readStates(stream, signal)) {
      hasHeld(progress);
      if (!isNews(state, progress.position)) continue;
      progress.position = toPosition(state);
      yield state;
    }
  } finally {
    if (Date.now() - openedMs > retry.maxDelayMs) hasHeld(progress);
  }
  throw new SeamlessError("UNAVAILABLE", `the proxy at ${target.address} ended the watch`, {
    status: "UNAVAILABLE",
    method: METHOD,
  });
}

function hasHeld(progress: Progress): void {
  progress.starting = false;
  progress.failures = 0;
}

/** Waits until a stream is to be opened again, or throws the failure if that won't help. */
async function recover(
  { settings: { retry }, random }: CallContext,
  { onReconnect }: WatchSettings,
  progress: Progress,
  { error, signal }: { error: SeamlessError; signal: AbortSignal },
): Promise<void> {
  progress.failures += 1;
  const givesUp = progress.starting && progress.failures >= retry.attempts;
  if (givesUp || !isBreak(error)) throw error;
  onReconnect?.(error, progress.failures);
  await delay(backoffDelayMs(progress.failures, retry, random), signal);
}
