import { setImmediate } from "node:timers";

/**
 * Tells whether two moments were in the same turn of the event loop. One callback per turn serves all who ask in it, and
 * none is asked for while nobody does.
 */
export class LoopTurns {
  #turn = 0;
  #watching = false;

  /** A mark of this turn, for `isNow`. */
  mark(): number {
    if (!this.#watching) {
      this.#watching = true;
      setImmediate(this.#next);
    }
    return this.#turn;
  }

  isNow(mark: number): boolean {
    return mark === this.#turn;
  }

  readonly #next = (): void => {
    this.#watching = false;
    this.#turn += 1;
  };
}
