import { once } from "node:events";
import { CheckedStream } from "./checked-stream.js";

/** Connections to an echo that last for a while each, one after the other, until told to end; every byte is checked. */
export class LongClients {
  readonly #port: number;
  readonly #work: readonly Promise<void>[];
  readonly #stop = new AbortController();
  /** Connections that ended whole. */
  ended = 0;
  readonly failures: string[] = [];

  constructor(port: number, count: number) {
    this.#port = port;
    this.#work = Array.from({ length: count }, (_, i) => this.#run(100 + (i % 10) * 60));
  }

  /** Ends all, and resolves when they have ended. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#work);
  }

  async #run(lifeMs: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const stream = new CheckedStream(this.#port);
      await pause(lifeMs, this.#stop.signal);
      try {
        const { sent, received } = await stream.end();
        if (sent === received) this.ended += 1;
        else this.failures.push(`sent ${sent}, got back ${received}`);
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }
}

/** A while, or until aborted. */
async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), durationMs);
  await once(AbortSignal.any([over.signal, signal]), "abort");
  clearTimeout(timer);
}
