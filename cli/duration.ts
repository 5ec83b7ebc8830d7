import { InvalidArgumentError, Option } from "commander";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
/** Node's timers, and the proxy's, take no more. */
const MAX_MS = 0x7fff_ffff;

/** For commander: milliseconds of a time such as `500ms`, `3s`, `2m`, `1h` or `0`. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const durationMs = match ? Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]) : NaN;
  if (durationMs >= 1 && durationMs <= MAX_MS) return durationMs;
  throw new InvalidArgumentError("Expected a time such as 500ms, 10s, 2m or 0.");
}

export function durationOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseDuration);
}
