import type { BlockCounters } from "./block-counters.js";

/** Tells whether an input has reached what none before it has. */
export interface Coverage {
  /** Before each input. */
  reset(): void;
  /**
   * @param outcome what the input led to: a new one is new in itself, since much of what a schema or a regular expression
   * does is no block of ours
   */
  isNew(outcome: string): boolean;
  /** Blocks reached by any input, of all or from the first to the last. */
  reached(first?: number, last?: number): number;
}

/** How often a block ran counts by orders of magnitude, as in AFL; each is a bit. */
const MAGNITUDES = [1, 2, 3, 4, 8, 16, 32, 128];
const BIT = Uint8Array.from({ length: 256 }, (_, count) =>
  count === 0 ? 0 : 1 << MAGNITUDES.findLastIndex((least) => count >= least),
);

/** Those beyond are likely to differ only in what they repeat of the input. */
const MAX_OUTCOMES = 500;

export function createCoverage(counters: BlockCounters): Coverage {
  const seen = new Uint8Array(counters.counts.length);
  const outcomes = new Set<string>();
  // Most blocks are not reached by most inputs, so that four are looked at together.
  const fours = new Uint32Array(counters.counts.buffer);
  const used = (): number => Math.ceil(counters.blocks / 4);
  return {
    reset: () => void counters.counts.fill(0, 0, counters.blocks),
    isNew(outcome) {
      let isNew = outcomes.size < MAX_OUTCOMES && !outcomes.has(outcome);
      if (isNew) outcomes.add(outcome);
      for (let four = 0; four < used(); four++) {
        if (fours[four] === 0) continue;
        for (let block = four * 4; block < four * 4 + 4; block++) {
          const bit = BIT[counters.counts[block] ?? 0] ?? 0;
          const known = seen[block] ?? 0;
          if ((known | bit) === known) continue;
          seen[block] = known | bit;
          isNew = true;
        }
      }
      return isNew;
    },
    reached: (first = 0, last = counters.blocks) =>
      seen.subarray(first, last + 1).reduce((total, bits) => total + (bits === 0 ? 0 : 1), 0),
  };
}
