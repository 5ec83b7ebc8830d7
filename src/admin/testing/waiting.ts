import type { EventEmitter } from "node:events";

/** Resolves when a stream or socket has closed, be it with an error (`once` would reject). */
export function closeOf(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => emitter.on("error", () => undefined).once("close", () => resolve()));
}

/** Resolves once `holds` does; looks again whenever there was something to do. */
export async function until(holds: () => boolean, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`still not so after ${timeoutMs} ms: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Something to wait for that a test lets happen. */
export interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

export function createGate(): Gate {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
