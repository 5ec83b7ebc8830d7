import type { RoutingTable, TargetCounters } from "../engine.js";
import { NO_COUNTERS } from "../no-counters.js";
import type { CounterMemory } from "./counter-memory.js";

interface Entry {
  readonly id: string;
  readonly slot: number;
  /** Whether the table in force has the target. */
  routed: boolean;
  /** Whether it had connections when it left the table, so that their end is to be told. */
  leftInUse: boolean;
}

export interface Forgotten {
  readonly target: string;
  readonly counters: TargetCounters;
  readonly leftInUse: boolean;
}

/** The slots of a listener's targets: of those in the table, and of those that still have connections. */
export class SlotBook {
  readonly #memory: CounterMemory;
  readonly #byId = new Map<string, Entry>();
  readonly #bySlot = new Map<number, Entry>();
  readonly #frozen = new Map<string, TargetCounters>();

  constructor(memory: CounterMemory) {
    this.#memory = memory;
  }

  find(id: string): number | undefined {
    return this.#byId.get(id)?.slot;
  }

  idOf(slot: number): string | undefined {
    return this.#bySlot.get(slot)?.id;
  }

  read(id: string): TargetCounters {
    const slot = this.find(id);
    return slot === undefined ? (this.#frozen.get(id) ?? NO_COUNTERS) : this.#memory.readTarget(slot);
  }

  /** Follows a new table. Those that are not in it stay until `forgetIfUnused`. */
  follow({ targets }: RoutingTable): void {
    const listed = new Set(targets.map(({ id }) => id));
    for (const id of listed) this.#enter(id);
    for (const entry of this.#byId.values()) {
      const routed = listed.has(entry.id);
      if (entry.routed && !routed) entry.leftInUse = this.#memory.activeConnections(entry.slot) > 0;
      entry.routed = routed;
      this.#memory.setRetired(entry.slot, !routed);
    }
  }

  /** The slots of all that are not in the table. */
  retired(): readonly number[] {
    return [...this.#byId.values()].filter(({ routed }) => !routed).map(({ slot }) => slot);
  }

  isUsed(slot: number): boolean {
    return this.#memory.activeConnections(slot) > 0;
  }

  /**
   * Forgets a target that is not in the table and has no connection, and answers its id and last counters, and whether
   * it had connections when it left the table. All threads must have adopted the table.
   */
  forgetIfUnused(slot: number): Forgotten | undefined {
    const entry = this.#bySlot.get(slot);
    if (!entry || entry.routed || this.isUsed(slot)) return undefined;
    const counters = this.#memory.readTarget(slot);
    this.#byId.delete(entry.id);
    this.#bySlot.delete(slot);
    this.#memory.release(slot);
    return { target: entry.id, counters, leftInUse: entry.leftInUse };
  }

  /** Gives all slots back; what is read from now on are the counters of this moment. */
  freeze(): void {
    for (const { id, slot } of this.#byId.values()) {
      this.#frozen.set(id, this.#memory.readTarget(slot));
      this.#memory.release(slot);
    }
    this.#byId.clear();
    this.#bySlot.clear();
  }

  #enter(id: string): Entry {
    const known = this.#byId.get(id);
    if (known) return known;
    const entry = { id, slot: this.#memory.allocate(), routed: true, leftInUse: false };
    this.#byId.set(id, entry);
    this.#bySlot.set(entry.slot, entry);
    return entry;
  }
}
