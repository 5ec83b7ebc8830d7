import { setTimeout } from "node:timers";
import type { DrainLimits } from "./drain.js";
import type { RecordKeeper } from "./record-keeper.js";

const AGAIN_MS = 1_000;

/**
 * Tells the fleet of other limits for the drains that a change has begun. A store that is away is waited for: without
 * the limits the other proxies would drain for ever. Once someone has changed the list again they are of no use, and
 * would be taken for those of that change.
 */
export class LimitTelling {
  readonly #keeper: RecordKeeper;
  readonly #onFailure: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #told = 0;

  constructor(keeper: RecordKeeper, onFailure: (error: unknown) => void) {
    this.#keeper = keeper;
    this.#onFailure = onFailure;
  }

  /** In the place of what was to be told before. */
  tell(drainLimits: DrainLimits): void {
    this.close();
    void this.#tell(this.#keeper.present.revision, drainLimits, this.#told);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#told += 1;
  }

  async #tell(revision: number, drainLimits: DrainLimits, turn: number, hasFailed = false): Promise<void> {
    try {
      await this.#keeper.change((record) => ({
        next: record.revision === revision ? { ...record, drainLimits } : record,
        effect: () => undefined,
      }));
    } catch (error) {
      if (turn !== this.#told) return;
      if (!hasFailed) this.#onFailure(error);
      const again = (): void => void this.#tell(revision, drainLimits, turn, true);
      this.#timer = setTimeout(again, AGAIN_MS).unref();
    }
  }
}
