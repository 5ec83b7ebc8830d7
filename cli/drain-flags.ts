import type { DrainLimits, DrainStatus } from "@seamless/sdk";
import { Option, type Command } from "commander";
import { durationOption } from "./duration.js";
import { EXIT, ExitWith } from "./exit-codes.js";
import { parseCount } from "./number-argument.js";

/** Options for the connections of backends that leave. */
export interface DrainFlags {
  readonly drain?: number;
  readonly drainIdle?: number;
  readonly drainSpread?: number;
}

export interface MaxCutFlag {
  readonly maxCut: number;
}

export function addDrainOptions(command: Command): Command {
  return command
    .addOption(durationOption("--drain <time>", "cut connections of the old backends after this time"))
    .addOption(durationOption("--drain-idle <time>", "close those that are silent for so long before that"))
    .addOption(durationOption("--drain-spread <time>", "cut them over this time instead of all at once"));
}

export function maxCutOption(): Option {
  return new Option("--max-cut <count>", "fail with exit code 7 if more connections were cut")
    .argParser(parseCount)
    .default(0);
}

/** Undefined if none is set: connections end by themselves. */
export function drainLimits({ drain, drainIdle, drainSpread }: DrainFlags): DrainLimits | undefined {
  if (drain === undefined && drainIdle === undefined && drainSpread === undefined) return undefined;
  return {
    ...(drain !== undefined && { limitMs: drain }),
    ...(drainIdle !== undefined && { idleLimitMs: drainIdle }),
    ...(drainSpread !== undefined && { spreadMs: drainSpread }),
  };
}

/** How many connections drains have cut. */
export function cutOf(drains: readonly DrainStatus[]): bigint {
  return drains.reduce((sum, { progress }) => {
    const { cutByDrain = 0n, cutByShutdown = 0n } = progress?.ends ?? {};
    return sum + cutByDrain + cutByShutdown;
  }, 0n);
}

/** @throws ExitWith the code for cut connections */
export function requireFewCut(cut: bigint, { maxCut }: MaxCutFlag): void {
  if (cut > BigInt(maxCut)) throw new ExitWith(EXIT.cut);
}
