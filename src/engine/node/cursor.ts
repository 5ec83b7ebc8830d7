import type { RoutingTable, Target } from "../engine.js";

const EMPTY: RoutingTable = { targets: [], sequence: [], holdMs: 0 };

/** Walks a table's sequence. Only `advance` moves it; looking for another target to retry does not. */
export class Cursor {
  #table = EMPTY;
  /** Position that was taken last. */
  #taken = 0;

  get table(): RoutingTable {
    return this.#table;
  }

  swap(table: RoutingTable): void {
    this.#taken = table.carry?.[this.#taken] ?? 0;
    this.#table = table;
  }

  /** The target of the next new connection; undefined if the sequence is empty. */
  advance(): Target | undefined {
    const { sequence, targets } = this.#table;
    if (sequence.length === 0) return undefined;
    this.#taken = (this.#taken + 1) % sequence.length;
    return targets[sequence[this.#taken] ?? -1];
  }

  /**
   * The target to try after `tried` have failed: the next one in the round after the last of them (after the
   * cursor, if that one is gone), then the last resorts in order. Undefined if all have been tried.
   */
  alternative(tried: readonly string[]): Target | undefined {
    const { sequence, targets } = this.#table;
    const last = tried.at(-1);
    const failed = sequence.findIndex((index) => targets[index]?.id === last);
    const start = failed < 0 ? this.#taken : failed;
    for (let step = 1; step <= sequence.length; step++) {
      const target = targets[sequence[(start + step) % sequence.length] ?? -1];
      if (target && !tried.includes(target.id)) return target;
    }
    return targets.find(({ id }) => !tried.includes(id));
  }
}
