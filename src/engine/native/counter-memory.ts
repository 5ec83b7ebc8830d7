import { endsOf } from "../ends.js";
import type { ConnectionEnds, Limit, ListenerTotals, TargetCounters } from "../engine.js";
import { refusalsOf } from "../refusals.js";
import { CONNECT_BOUNDS_S, LIFE_BOUNDS_S, type TimeHistogram } from "../time-histogram.js";
import { REASONS } from "./native-events.js";

/** See native/src/counters.h: each slot has a block of cells per thread, and one that they share. */
const SLOTS_PER_PAGE = 64;
const CELLS_PER_BLOCK = 32;

const TARGET = {
  active: 0,
  total: 1,
  failed: 2,
  bytesIn: 3,
  bytesOut: 4,
  ends: 5,
  connectTimes: 10,
  lifeTimes: 23,
} as const;
const LISTENER = {
  open: 0,
  accepted: 1,
  ends: 2,
  leftEarly: 7,
  connectFailed: 8,
  holdExpired: 9,
  limit: 10,
  refusedFor: 16,
} as const;
const SHARED_RETIRED = 2;

/** The counters that the threads write, and the slots they are in. */
export class CounterMemory {
  readonly #threads: number;
  readonly #openPage: (index: number) => ArrayBuffer;
  readonly #pages: BigUint64Array[] = [];
  readonly #free: number[] = [];
  #slots = 0;

  constructor(threads: number, openPage: (index: number) => ArrayBuffer) {
    this.#threads = threads;
    this.#openPage = openPage;
  }

  /** A slot with all cells at zero. */
  allocate(): number {
    const slot = this.#free.pop() ?? this.#slots++;
    this.#slot(slot).fill(0n);
    return slot;
  }

  /** No thread may count in it any more. */
  release(slot: number): void {
    this.#free.push(slot);
  }

  /** Has the threads tell when they have no connection of this target left; or no longer. */
  setRetired(slot: number, retired: boolean): void {
    this.#slot(slot)[this.#threads * CELLS_PER_BLOCK + SHARED_RETIRED] = retired ? 1n : 0n;
  }

  activeConnections(slot: number): number {
    return this.#sum(slot, TARGET.active);
  }

  readTarget(slot: number): TargetCounters {
    return {
      activeConnections: this.activeConnections(slot),
      totalConnections: this.#sum(slot, TARGET.total),
      failedConnects: this.#sum(slot, TARGET.failed),
      bytesIn: this.#sum(slot, TARGET.bytesIn),
      bytesOut: this.#sum(slot, TARGET.bytesOut),
      ends: this.#ends(slot, TARGET.ends),
      connectTimes: this.#histogram(slot, TARGET.connectTimes, CONNECT_BOUNDS_S),
      lifeTimes: this.#histogram(slot, TARGET.lifeTimes, LIFE_BOUNDS_S),
    };
  }

  openConnections(slot: number): number {
    return this.#sum(slot, LISTENER.open);
  }

  readListener(slot: number): Omit<ListenerTotals, "heldConnections"> {
    return {
      openConnections: this.openConnections(slot),
      acceptedConnections: this.#sum(slot, LISTENER.accepted),
      ends: this.#ends(slot, LISTENER.ends),
      leftEarly: this.#sum(slot, LISTENER.leftEarly),
      connectFailed: this.#sum(slot, LISTENER.connectFailed),
      holdExpired: this.#sum(slot, LISTENER.holdExpired),
      refusedByLimit: this.#sum(slot, LISTENER.limit),
      refusals: refusalsOf((limit) => this.#refused(slot, limit)),
    };
  }

  #refused(slot: number, limit: Limit): number {
    return this.#sum(slot, LISTENER.refusedFor + REASONS.indexOf(limit));
  }

  #ends(slot: number, first: number): ConnectionEnds {
    return endsOf((_, index) => this.#sum(slot, first + index));
  }

  /** The cell behind the last bucket's holds the sum, in microseconds. */
  #histogram(slot: number, first: number, boundsS: readonly number[]): TimeHistogram {
    const buckets = boundsS.length + 1;
    return {
      boundsS,
      counts: Array.from({ length: buckets }, (_, bucket) => this.#sum(slot, first + bucket)),
      sumS: this.#sum(slot, first + buckets) / 1e6,
    };
  }

  #sum(slot: number, cell: number): number {
    const cells = this.#slot(slot);
    let sum = 0n;
    for (let thread = 0; thread < this.#threads; thread++)
      sum += cells[thread * CELLS_PER_BLOCK + cell] ?? 0n;
    return Number(sum);
  }

  #slot(slot: number): BigUint64Array {
    const length = (this.#threads + 1) * CELLS_PER_BLOCK;
    const start = (slot % SLOTS_PER_PAGE) * length;
    const index = Math.floor(slot / SLOTS_PER_PAGE);
    const page = (this.#pages[index] ??= new BigUint64Array(this.#openPage(index)));
    return page.subarray(start, start + length);
  }
}
