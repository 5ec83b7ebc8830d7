/**
 * What the checks of one backend say, as a pure state machine:
 *
 *     unknown ──first check──► healthy ◄──`rise` successes / `fall` failures in a row──► unhealthy
 *
 * Unknown counts as healthy: a server that was just added gets its share before it was first looked at, and connecting
 * to it is retried elsewhere if it is not there.
 */
export interface Health {
  readonly state: HealthState;
  /** Checks in a row that spoke against the state. */
  readonly against: number;
  /** Why the last check failed; "": it succeeded, or there was none. */
  readonly error: string;
  /** Undefined: there was none. */
  readonly checkedUnixMs: number | undefined;
}

export type HealthState = "unknown" | "healthy" | "unhealthy";

export interface Thresholds {
  readonly rise: number;
  readonly fall: number;
}

export const UNKNOWN: Health = { state: "unknown", against: 0, error: "", checkedUnixMs: undefined };

/** @param error "" for a check that succeeded */
export function afterCheck(
  health: Health,
  error: string,
  { rise, fall }: Thresholds,
  checkedUnixMs: number,
): Health {
  const says = error === "" ? "healthy" : "unhealthy";
  const heard = { error, checkedUnixMs };
  if (health.state === says) return { ...heard, state: says, against: 0 };
  const against = health.against + 1;
  const needed = says === "healthy" ? rise : fall;
  const changes = health.state === "unknown" || against >= needed;
  return { ...heard, state: changes ? says : health.state, against: changes ? 0 : against };
}

export interface CheckPace {
  readonly intervalMs: number;
}

/** A state that is about to change is looked at four times as often. */
const HASTE = 4;
/** Share of a wait by which it varies, so that many backends or proxies don't check in a beat. */
const JITTER = 0.1;

/** @param random from 0 to 1 */
export function nextCheckDelayMs(health: Health, { intervalMs }: CheckPace, random: number): number {
  const waitMs = health.against > 0 ? intervalMs / HASTE : intervalMs;
  return waitMs * (1 + JITTER * (2 * random - 1));
}
