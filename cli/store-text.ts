import type { StoreStatus } from "@seamless/sdk";
import { formatAge, formatMoment } from "./time-text.js";

/** Where the lists live, and what is wrong with it. */
export function formatStore(store: StoreStatus, nowMs: number): string {
  const { kind, available, staleSinceUnixMs: since, error } = store;
  const why = error === "" ? "" : `: ${error}`;
  const time = since === 0n ? "" : ` since ${formatMoment(since)} (${formatAge(since, nowMs)})`;
  if (!available)
    return `${kind}, unreachable${time}; the last lists known are served, changes are refused${why}`;
  return time === "" ? `${kind}${why}` : `${kind}, not up to date${time}${why}`;
}
