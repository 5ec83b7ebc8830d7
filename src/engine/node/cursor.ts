import type { RoutingTable, Target } from "../engine.js";

const EMPTY: RoutingTable = { targets: [], sequence: [], choice: "turn", holdMs: 0 };

/** What a choice may depend on. */
export interface Circumstances {
  /** Of a target: connections open now. */
  readonly load: (id: string) => number;
  /** Of the client's address. */
  readonly hash: () => number;
}

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
  advance({ load, hash }: Circumstances): Target | undefined {
    const { sequence, choice } = this.#table;
    if (sequence.length === 0) return undefined;
    this.#taken = (this.#taken + 1) % sequence.length;
    switch (choice) {
      case "turn":
        return this.#at(this.#taken);
      case "hash":
        return this.#at(hash() % sequence.length);
      case "least":
        return lightest(
          sequence.map((_, step) => this.#at((this.#taken + step) % sequence.length)),
          load,
        );
      case "two":
        return lightest(this.#twoAtRandom(), load);
    }
  }

  /** Two positions, different ones if there are. */
  #twoAtRandom(): readonly (Target | undefined)[] {
    const { length } = this.#table.sequence;
    const first = Math.floor(Math.random() * length);
    const second = (first + 1 + Math.floor(Math.random() * (length - 1))) % length;
    return [this.#at(first), this.#at(second)];
  }

  #at(position: number): Target | undefined {
    return this.#table.targets[this.#table.sequence[position] ?? -1];
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

/** The first of those with the fewest connections for their weight, the one that is to come included. */
function lightest(
  targets: readonly (Target | undefined)[],
  load: (id: string) => number,
): Target | undefined {
  let [best, least]: [Target | undefined, number] = [undefined, Infinity];
  for (const target of targets) {
    const share = target ? (load(target.id) + 1) / target.weight : Infinity;
    if (share < least) [best, least] = [target, share];
  }
  return best;
}
