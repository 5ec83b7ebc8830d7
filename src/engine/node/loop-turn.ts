/**
 * Tells whether two events came in the same turn of the event loop, for the price of one immediate per turn in which
 * anybody asks. libuv has a clock for that, which Node does not show.
 */
export class LoopTurn {
  #turn = 0;
  #marked = false;

  /** The present turn, to be compared with what another call gave. */
  readonly now = (): number => {
    if (!this.#marked) {
      this.#marked = true;
      // Runs in this turn all the same; without unref the loop would turn once more at once, with a call to poll.
      setImmediate(this.#next).unref();
    }
    return this.#turn;
  };

  readonly #next = (): void => {
    this.#marked = false;
    this.#turn += 1;
  };
}
