import { Chain, type Link } from "./chain.js";

/** Whatever has to be done with when its time has passed. */
export interface Dialling {
  readonly dialDeadlineMs: number;
  /** Kept for whoever watches the deadline. */
  dialPlace: Link<Dialling> | undefined;
  onDialTimeout(): void;
}

/** How exactly the time for connecting is kept. */
const TICK_MS = 25;

/**
 * Ends dials that take too long. One timer for all of them: most are over long before, and a timer for each would be a good part
 * of what they cost.
 */
export class DialDeadlines {
  readonly #dials = new Chain<Dialling>();
  #timer: NodeJS.Timeout | undefined;

  add(dial: Dialling): void {
    dial.dialPlace = this.#dials.add(dial);
    this.#timer ??= setInterval(() => this.#look(), TICK_MS);
  }

  delete(dial: Dialling): void {
    if (!dial.dialPlace) return;
    this.#dials.remove(dial.dialPlace);
    dial.dialPlace = undefined;
  }

  #look(): void {
    // Not at the end of each dial, or the next one would begin a timer again.
    if (this.#dials.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const nowMs = performance.now();
    for (const dial of [...this.#dials]) if (dial.dialDeadlineMs <= nowMs) dial.onDialTimeout();
  }
}
