import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { EtcdError, type EtcdErrorKind } from "./etcd-error.js";
import type { Endpoint } from "./endpoint.js";
import { reconnectDelayMs } from "./reconnect-delay.js";

/** The endpoints of the cluster. All calls go to the present one until it fails. */
export class Members {
  readonly #endpoints: readonly Endpoint[];
  readonly #closing = new AbortController();
  #index = 0;

  constructor(endpoints: readonly Endpoint[]) {
    if (endpoints.length === 0) throw new EtcdError("invalid", "etcd needs at least one endpoint");
    this.#endpoints = endpoints;
    // Every call and every pause listens.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Aborted by `close`. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  present(): Endpoint {
    return this.#endpoints[this.#index] as Endpoint;
  }

  /** It has failed: the next one is the present one, unless another call has moved on already. */
  passOver(endpoint: Endpoint): void {
    if (endpoint === this.present()) this.#index = (this.#index + 1) % this.#endpoints.length;
  }

  /** Waits before the next try. Rejects if the client, or `signal`, was closed meanwhile. */
  async pause(failures: number, signal: AbortSignal = this.closing): Promise<void> {
    await delay(reconnectDelayMs(failures, this.#endpoints.length), undefined, { signal });
  }

  /**
   * Tries it at one endpoint after the other until it succeeds, fails in a way that `retried` does not name, or has
   * made no progress for `limitMs`.
   */
  async failOver<A>(
    retried: readonly EtcdErrorKind[],
    limitMs: number,
    attempt: (endpoint: Endpoint, leftMs: number) => Promise<A>,
  ): Promise<A> {
    const end = performance.now() + limitMs;
    for (let failures = 1; ; failures += 1) {
      const endpoint = this.present();
      try {
        return await attempt(endpoint, end - performance.now());
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error;
        if (error.kind === "unreachable" || error.kind === "unknown") this.passOver(endpoint);
        if (!retried.includes(error.kind) || this.closing.aborted) throw error;
        if (performance.now() + reconnectDelayMs(failures, this.#endpoints.length, () => 1) >= end)
          throw error;
        await this.pause(failures).catch(() => {
          throw error;
        });
      }
    }
  }

  close(): void {
    this.#closing.abort();
    for (const endpoint of this.#endpoints) endpoint.close();
  }
}
