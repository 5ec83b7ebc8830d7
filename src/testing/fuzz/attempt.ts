import assert from "node:assert/strict";
import { ProxyError } from "../../errors.js";
import type { FuzzTarget } from "./fuzz-target.js";

/** What an input led to: "" if it was read, else what was wrong with it, without what it says itself. */
export type Outcome = string;

/** @throws Error for whatever is wrong with the target itself */
export function attempt({ parse }: FuzzTarget, text: string): Outcome | Promise<Outcome> {
  try {
    const read = parse(text);
    return read instanceof Promise ? read.then(() => "", refusal) : "";
  } catch (error) {
    return refusal(error);
  }
}

/** Milliseconds that an input takes of a processor, however busy the machine is: the least of three. */
export async function cpuTime(target: FuzzTarget, text: string): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    const before = process.cpuUsage();
    await attempt(target, text);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

function refusal(error: unknown): Outcome {
  if (!(error instanceof ProxyError)) throw error;
  assert.ok(error.message !== "" && !error.message.includes("\n    at "), "an error says what is wrong");
  return error.message.replaceAll(/['"].*['"]|\d+/gs, "_").slice(0, 200);
}
