import type { Connection } from "./connection.js";

/** Connections that wait for a backend, oldest first, each for a limited time. */
export class HoldQueue {
  readonly #timers = new Map<Connection, NodeJS.Timeout>();

  hold(connection: Connection, holdMs: number, onExpired: () => void): void {
    this.#timers.set(
      connection,
      setTimeout(() => {
        this.#timers.delete(connection);
        onExpired();
      }, holdMs),
    );
  }

  forget(connection: Connection): void {
    clearTimeout(this.#timers.get(connection));
    this.#timers.delete(connection);
  }

  /** Takes all of them out. */
  takeAll(): readonly Connection[] {
    const held = [...this.#timers.keys()];
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    return held;
  }
}
