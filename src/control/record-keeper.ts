import { ProxyError } from "../errors.js";
import { createSerialQueue, holdTurn } from "./serial-queue.js";
import type { ServiceRecord } from "./service-record.js";

/** Makes a record last. Rejects if it can't; then the record before it is still the one that lasts. */
export type Persist = (record: ServiceRecord) => Promise<void>;

export interface Step<T> {
  /** The next record, and what the caller is to be told. The present one if nothing changes. */
  readonly next: ServiceRecord;
  /** What follows from it, once it is stored and in force. */
  readonly effect: () => T | Promise<T>;
  /** Lets go of what was prepared, if the record can't be stored. */
  readonly abandon?: () => void;
}

/**
 * The record in force. Changes are carried out one at a time, each in this order: the next record is made, it is
 * stored, it is in force, its effects are carried out, and the caller is answered. Whatever fails up to the storing
 * leaves everything as it was.
 */
export class RecordKeeper {
  readonly #persist: Persist;
  readonly #inTurn = createSerialQueue();
  #present: ServiceRecord;
  #closed = false;

  constructor(record: ServiceRecord, persist: Persist) {
    this.#present = record;
    this.#persist = persist;
  }

  get present(): ServiceRecord {
    return this.#present;
  }

  /** @throws ProxyError SHUTTING_DOWN, STORE_FAILED, and what `step` throws */
  change<T>(step: (present: ServiceRecord) => Step<T> | Promise<Step<T>>): Promise<T> {
    return this.#inTurn(async () => {
      if (this.#closed) throw new ProxyError("SHUTTING_DOWN", "the proxy is stopping and takes no changes");
      const { next, effect, abandon } = await step(this.#present);
      if (next !== this.#present) await this.#store(next, abandon);
      this.#present = next;
      return effect();
    });
  }

  /** Resolves when no change is under way; those that come then wait until it is told to go on. */
  standStill(): Promise<() => void> {
    return holdTurn(this.#inTurn);
  }

  async #store(next: ServiceRecord, abandon?: () => void): Promise<void> {
    try {
      await this.#persist(next);
    } catch (error) {
      abandon?.();
      throw error;
    }
  }

  /** Takes no changes any more. */
  close(): void {
    this.#closed = true;
  }
}
