/**
 * How long something took: `counts[i]` are those of at most `boundsS[i]` seconds and more than the bound before; the last one
 * those beyond all bounds.
 */
export interface TimeHistogram {
  readonly boundsS: readonly number[];
  readonly counts: readonly number[];
  readonly sumS: number;
}

/** Of the time from beginning to connect to a target until it was connected. */
export const CONNECT_BOUNDS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** Of the time from being connected until the end. */
export const LIFE_BOUNDS_S = [0.1, 1, 10, 60, 600, 3_600, 86_400];

export function addHistograms(a: TimeHistogram, b: TimeHistogram): TimeHistogram {
  return { ...a, counts: a.counts.map((count, i) => count + (b.counts[i] ?? 0)), sumS: a.sumS + b.sumS };
}

/** One that counts. */
export class TimeCounter {
  readonly #boundsS: readonly number[];
  readonly #counts: number[];
  #sumS = 0;

  constructor(boundsS: readonly number[]) {
    this.#boundsS = boundsS;
    this.#counts = new Array<number>(boundsS.length + 1).fill(0);
  }

  observe(ms: number): void {
    const seconds = ms / 1_000;
    let bucket = 0;
    while (seconds > (this.#boundsS[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sumS += seconds;
  }

  read(): TimeHistogram {
    return { boundsS: this.#boundsS, counts: [...this.#counts], sumS: this.#sumS };
  }
}
