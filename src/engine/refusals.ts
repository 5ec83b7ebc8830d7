import { LIMITS, type Limit } from "./engine.js";

/** A counter for each limit. */
export function refusalsOf(count: (limit: Limit) => number): Record<Limit, number> {
  return Object.fromEntries(LIMITS.map((limit) => [limit, count(limit)])) as Record<Limit, number>;
}

/** The same, at zero. */
export const noRefusals = (): Record<Limit, number> => refusalsOf(() => 0);
