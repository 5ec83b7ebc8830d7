import { ProxyError } from "../errors.js";
import type { PauseRequest } from "./management.js";
import type { PauseRecord } from "./service-record.js";

const DEFAULTS = { holdLimitMs: 30_000, maxHeld: 10_000 };
export const DEFAULT_PACE_PER_SECOND = 1_000;

/** The same record if the service is paused with these limits already. @throws ProxyError INVALID_ARGUMENT */
export function pauseWith(
  present: PauseRecord | undefined,
  request: PauseRequest,
  nowMs: number,
): PauseRecord {
  const { holdLimitMs = DEFAULTS.holdLimitMs, maxHeld = DEFAULTS.maxHeld } = request;
  requirePositive("the time to hold", holdLimitMs);
  requirePositive("the number to hold", maxHeld);
  if (present?.holdLimitMs === holdLimitMs && present.maxHeld === maxHeld) return present;
  return { startedUnixMs: present?.startedUnixMs ?? nowMs, holdLimitMs, maxHeld };
}

function requirePositive(what: string, value: number): void {
  if (value < 1) throw new ProxyError("INVALID_ARGUMENT", `${what} is ${value}, and must be at least 1`);
}
