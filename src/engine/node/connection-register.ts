/** Counts the connections of all listeners, against the engine's limit, and numbers them. */
export class ConnectionRegister {
  readonly #maxConnections: number;
  #open = 0;
  #last = 0;

  constructor(maxConnections: number) {
    this.#maxConnections = maxConnections;
  }

  /** The number of a new connection, also of one that is not let in. */
  number(): number {
    return (this.#last += 1);
  }

  /** False if there are too many. */
  take(): boolean {
    if (this.#open >= this.#maxConnections) return false;
    this.#open += 1;
    return true;
  }

  giveBack(): void {
    this.#open -= 1;
  }
}
