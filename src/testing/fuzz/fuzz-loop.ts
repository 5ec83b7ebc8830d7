import { attempt, cpuTime } from "./attempt.js";
import type { BlockCounters } from "./block-counters.js";
import { createCoverage, type Coverage } from "./coverage.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { mutate } from "./mutate.js";
import { createRandom, type Random } from "./random.js";

const RECENT = 32;

export interface FuzzOptions {
  readonly counters: BlockCounters;
  readonly seed: number;
  /** Inputs. */
  readonly runs: number;
  /** No more time than that, however few inputs it was enough for. */
  readonly limitMs: number;
  /** An input that takes longer is a failure. */
  readonly slowMs: number;
  /** Told of each input before it is tried, so that it is known if it never ends. */
  readonly beforeRun: (input: Buffer) => void;
}

export interface FuzzReport {
  readonly runs: number;
  readonly durationMs: number;
  /** Inputs that reached something new. */
  readonly corpus: number;
  readonly blocks: number;
  readonly slowestMs: number;
  readonly finding: Finding | undefined;
}

export interface Finding {
  readonly run: number;
  readonly input: Buffer;
  /** An error of the target, or how slow it was. */
  readonly error: unknown;
}

/** Changes what was interesting, tries it, and keeps what reaches a block that nothing has reached before. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const { counters, runs, limitMs, slowMs, beforeRun } = options;
  const random = createRandom(options.seed);
  const coverage = createCoverage(counters);
  const corpus: Buffer[] = [];
  const words: Buffer[] = [...Array.from(target.characters), ...(target.words ?? [])].map((word) =>
    Buffer.from(word),
  );
  const material = { random, corpus, maxBytes: target.maxBytes, words, codeWords: words };
  const startedMs = performance.now();
  let [run, slowestMs] = [0, 0];

  const tryOne = async (input: Buffer): Promise<void> => {
    const text = input.toString(target.encoding);
    coverage.reset();
    const beganMs = performance.now();
    const outcome = await attempt(target, text);
    const tookMs = performance.now() - beganMs;
    if (coverage.isNew(outcome)) {
      corpus.push(input);
      material.codeWords = codeWords(target, counters, coverage);
    }
    slowestMs = Math.max(slowestMs, tookMs);
    const neededMs = tookMs > slowMs ? await cpuTime(target, text) : 0;
    if (neededMs > slowMs) throw new Error(`slow: it takes ${Math.round(neededMs)} ms of a processor`);
  };

  const seeds = target.seeds.map((seed) => Buffer.from(seed, target.encoding));
  const report = (finding?: Finding): FuzzReport => {
    const durationMs = performance.now() - startedMs;
    return { runs: run, durationMs, corpus: corpus.length, blocks: coverage.reached(), slowestMs, finding };
  };
  while (run < runs && performance.now() - startedMs < limitMs) {
    const input = seeds[run++] ?? mutate(choose(corpus, seeds.length, random), material);
    beforeRun(input);
    try {
      await tryOne(input);
    } catch (error) {
      return report({ run, input, error });
    }
  }
  return report();
}

/**
 * What was found last leads on more often than what was changed many times already, and a short one more cheaply; but what
 * is nearly right, as the seeds are, comes furthest.
 */
function choose(corpus: readonly Buffer[], seeds: number, random: Random): Buffer {
  if (random.below(4) === 0) return corpus[random.below(Math.min(seeds, corpus.length))] as Buffer;
  const recent = random.below(2) === 0 ? Math.min(corpus.length, RECENT) : corpus.length;
  const any = (): Buffer => corpus[corpus.length - 1 - random.below(recent)] as Buffer;
  const [one, other] = [any(), any()];
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  return random.below(3) === 0 ? long : short;
}

/** The words of the code that was reached. */
function codeWords({ encoding }: FuzzTarget, { words }: BlockCounters, coverage: Coverage): Buffer[] {
  const known = words.filter(([, first, last]) => coverage.reached(first, last) > 0);
  return [...new Set(known.map(([word]) => word))].map((word) => Buffer.from(word, encoding));
}
