import { cpuTime } from "./attempt.js";
import type { FuzzTarget } from "./fuzz-target.js";

const LIMIT_MS = 10_000;

/** What is left of an input that fails when all that can be left out is. */
export async function smallest(target: FuzzTarget, input: Buffer, slowMs: number): Promise<Buffer> {
  const untilMs = performance.now() + LIMIT_MS;
  let least = input;
  for (let length = Math.ceil(input.length / 2); length >= 1; length = length >> 1) {
    for (let from = 0; from < least.length && performance.now() < untilMs;) {
      const without = Buffer.concat([least.subarray(0, from), least.subarray(from + length)]);
      if (await fails(target, without.toString(target.encoding), slowMs)) least = without;
      else from += length;
    }
  }
  return least;
}

async function fails(target: FuzzTarget, text: string, slowMs: number): Promise<boolean> {
  try {
    return (await cpuTime(target, text)) > slowMs;
  } catch {
    return true;
  }
}
