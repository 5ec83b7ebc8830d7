import { setTimeout } from "node:timers/promises";

/** Runs `stop` once when the signal aborts, or at once if it has; the function returned takes that back. */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  if (!signal) return () => undefined;
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return () => signal.removeEventListener("abort", stop);
}

/** What the promise gives, unless the signal aborts first: then rejects with its reason. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let release: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    release = onAbort(signal, resolve);
  });
  try {
    const winner = await Promise.race([promise.then((value) => ({ value })), aborted]);
    if (winner) return winner.value;
    throw signal.reason;
  } finally {
    release();
  }
}

/** Waits; rejects with the signal's reason once it aborts. */
export async function delay(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(durationMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
