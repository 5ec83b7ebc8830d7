import { hash32 } from "../hash32.js";

/**
 * Consistent hashing by a look-up table (Maglev: Eisenbud et al., NSDI 2016, section 3.4): each backend walks a permutation of
 * the table's places of its own, and they take free places in turn until none is left. A client's hash is a place. When a
 * backend comes or goes, most places stay whose they were.
 */
export interface Hashed {
  readonly id: string;
  readonly weight: number;
}

/** Primes, so that each step width reaches every place; at least 100 places per backend, as far as that goes. */
const SIZES = [1_009, 10_007];
const LARGEST = 65_537;
const PLACES_PER_BACKEND = 100;
/** So that the step is another number than the first place. */
const STEP_SEED = 0x01000193;

/** For each place the index of its backend; empty without backends. */
export function maglevTable(backends: readonly Hashed[]): readonly number[] {
  if (backends.length === 0) return [];
  const size = SIZES.find((each) => each >= backends.length * PLACES_PER_BACKEND) ?? LARGEST;
  const most = Math.max(...backends.map(({ weight }) => weight));
  const walkers = backends.map(({ id, weight }) => new Walker(id, weight / most, size));
  const table = new Array<number>(size).fill(-1);
  for (let left = size; left > 0;) {
    for (const [index, walker] of walkers.entries()) {
      if (left === 0 || !walker.isDue()) continue;
      table[walker.nextFree(table)] = index;
      left -= 1;
    }
  }
  return table;
}

class Walker {
  readonly #share: number;
  readonly #size: number;
  readonly #step: number;
  #place: number;
  #credit = 0;

  constructor(id: string, share: number, size: number) {
    this.#share = share;
    this.#size = size;
    this.#place = hash32(Buffer.from(id)) % size;
    this.#step = (hash32(Buffer.from(id), STEP_SEED) % (size - 1)) + 1;
  }

  /** One with half of the greatest weight has every second turn. */
  isDue(): boolean {
    this.#credit += this.#share;
    if (this.#credit < 1) return false;
    this.#credit -= 1;
    return true;
  }

  nextFree(table: readonly number[]): number {
    while (table[this.#place] !== -1) this.#place = (this.#place + this.#step) % this.#size;
    return this.#place;
  }
}
