import { setTimeout as delay } from "node:timers/promises";
import type { Outcome } from "./linearizability.js";
import type { ModelBackend, ModelRequest } from "./list-model.js";
import type { RecordedClient } from "./recorded-client.js";

export interface WritersOptions {
  readonly clients: readonly RecordedClient[];
  /** Is in the list all the time, so that there is always a backend. */
  readonly always: string;
  readonly others: readonly string[];
  /** Between two changes of a client, on average. */
  readonly pauseMs: number;
}

/**
 * Clients that change a list at random until told to end, most of the time on condition that it is still the one that
 * they know; then whoever is too late learns the revision and tries again.
 */
export class ListWriters {
  readonly #options: WritersOptions;
  readonly #stop = new AbortController();
  readonly #work: readonly Promise<void>[];
  /** Changes that were acknowledged, and changed something. */
  readonly acknowledged: Extract<Outcome, { kind: "done" }>[] = [];

  constructor(options: WritersOptions) {
    this.#options = options;
    this.#work = options.clients.map((client) => this.#run(client));
    for (const each of this.#work) each.catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#work);
  }

  async #run(client: RecordedClient): Promise<void> {
    let revision: number | undefined;
    while (!this.#stop.signal.aborted) {
      const outcome = await client.ask(revision === undefined ? { verb: "get" } : this.#invent(revision));
      if (outcome.kind === "done" && outcome.changed) this.acknowledged.push(outcome);
      if (outcome.kind === "unknown") revision = undefined;
      if (outcome.kind === "done") revision = outcome.state.revision;
      if (outcome.kind === "revision-mismatch") revision = outcome.revision;
      else await delay(this.#options.pauseMs * 2 * Math.random());
    }
  }

  #invent(revision: number): ModelRequest {
    const { always, others } = this.#options;
    const condition = Math.random() < 0.8 ? { expectedRevision: revision } : {};
    const other = (): ModelBackend => ({ address: pick(others), weight: 1 + Math.floor(Math.random() * 3) });
    const dice = Math.random();
    if (dice < 0.2) return { verb: "remove", addresses: [pick(others)], ...condition };
    if (dice < 0.5) return { verb: "add", backends: [other()], ...condition };
    return { verb: "set", backends: [other(), { address: always, weight: 1 }, other()], ...condition };
  }
}

/** Clients that ask for the list again and again until told to end. */
export class ListReaders {
  readonly #stop = new AbortController();
  readonly #work: readonly Promise<void>[];

  constructor(clients: readonly RecordedClient[], pauseMs: number) {
    this.#work = clients.map(async (client) => {
      while (!this.#stop.signal.aborted) {
        await client.ask({ verb: "get" });
        await delay(pauseMs);
      }
    });
    for (const each of this.#work) each.catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#work);
  }
}

function pick<T>(all: readonly T[]): T {
  return all[Math.floor(Math.random() * all.length)] as T;
}
