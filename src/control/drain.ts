import type { ConnectionEnds } from "../engine/engine.js";
import { ProxyError } from "../errors.js";

/**
 * The end of a backend's service, as a pure state machine:
 *
 *     open ──limit passed, or told to──► cutting ──last one gone──► ended (cut)
 *      │ ▲───────── new limits ────────────┘
 *      ├── last connection gone ──► ended (empty)
 *      └── back in the list ──► ended (taken back)
 *
 * It decides what is to be cut or closed, and when; who does it then shows what has become of it by `observeDrain`.
 */
export interface Drain {
  readonly id: string;
  readonly weight: number;
  readonly limits: DrainLimits;
  readonly startedUnixMs: number;
  readonly connectionsAtStart: number;
  /** When cutting begins; undefined: never. */
  readonly deadlineUnixMs: number | undefined;
  readonly atStart: DrainCounts;
  readonly now: DrainCounts;
  /** Undefined until a byte was seen. */
  readonly lastByteUnixMs: number | undefined;
  readonly state: DrainState;
}

export type DrainState =
  | { readonly phase: "open" }
  | { readonly phase: "cutting"; readonly sinceUnixMs: number; readonly openAtStart: number }
  | { readonly phase: "ended"; readonly endedUnixMs: number; readonly outcome: DrainOutcome };

export type DrainOutcome = "empty" | "cut" | "taken-back";

export interface DrainLimits {
  /** Connections that are open after this time are cut; 0: at once; undefined: never. */
  readonly limitMs?: number | undefined;
  /** A connection that is silent for this long is closed. */
  readonly idleLimitMs?: number | undefined;
  /** Time over which cutting is spread. */
  readonly spreadMs: number;
}

export const NO_LIMITS: DrainLimits = { spreadMs: 0 };

/** Silence is known to within a second, so that a shorter limit would close what is in use. */
const LEAST_IDLE_LIMIT_MS = 1_000;

/** @throws ProxyError INVALID_ARGUMENT */
export function checkDrainLimits(limits: DrainLimits): DrainLimits {
  const { idleLimitMs } = limits;
  if (idleLimitMs === undefined || idleLimitMs >= LEAST_IDLE_LIMIT_MS) return limits;
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `the drain's idle limit of ${idleLimitMs} ms is too short: at least ${LEAST_IDLE_LIMIT_MS} ms`,
  );
}

/** What is counted of a backend's connections. */
export interface DrainCounts {
  readonly open: number;
  readonly bytes: number;
  readonly ends: ConnectionEnds;
}

export interface DrainStart {
  readonly id: string;
  readonly weight: number;
  readonly limits: DrainLimits;
  readonly counts: DrainCounts;
  readonly nowMs: number;
}

export function beginDrain({ id, weight, limits, counts, nowMs }: DrainStart): Drain {
  const drain: Drain = {
    id,
    weight,
    limits,
    startedUnixMs: nowMs,
    connectionsAtStart: counts.open,
    deadlineUnixMs: deadline(limits, nowMs),
    atStart: counts,
    now: counts,
    lastByteUnixMs: undefined,
    state: { phase: "open" },
  };
  return counts.open === 0 ? ended(drain, "empty", nowMs) : drain;
}

/** A drain that was under way when the process before this one ended, and with it every connection. */
export function drainOfThePast(
  {
    id,
    weight,
    startedUnixMs,
    open,
  }: Pick<Drain, "id" | "weight" | "startedUnixMs"> & { readonly open: number },
  nowMs: number,
): Drain {
  const none = { client: 0, backend: 0, drain: 0, idle: 0, shutdown: 0 };
  const counts = { open, bytes: 0, ends: none };
  const begun = beginDrain({ id, weight, limits: NO_LIMITS, counts, nowMs: startedUnixMs });
  return ended({ ...begun, now: { open: 0, bytes: 0, ends: { ...none, shutdown: open } } }, "cut", nowMs);
}

/** Other limits, which count from now. */
export function limitDrain(drain: Drain, limits: DrainLimits, nowMs: number): Drain {
  if (drain.state.phase === "ended") return drain;
  return { ...drain, limits, deadlineUnixMs: deadline(limits, nowMs), state: { phase: "open" } };
}

export function takeBackDrain(drain: Drain, nowMs: number): Drain {
  return drain.state.phase === "ended" ? drain : ended(drain, "taken-back", nowMs);
}

/** Takes note of how things are; the drain has ended when nothing is open any more. */
export function observeDrain(drain: Drain, counts: DrainCounts, nowMs: number): Drain {
  if (drain.state.phase === "ended") return drain;
  const lastByteUnixMs = counts.bytes > drain.now.bytes ? nowMs : drain.lastByteUnixMs;
  const observed = { ...drain, now: counts, lastByteUnixMs };
  if (counts.open > 0) return startCutting(observed, nowMs);
  return ended(observed, counts.ends.drain > drain.atStart.ends.drain ? "cut" : "empty", nowMs);
}

/** What is to be done now: how many connections to cut, and after what silence to close one. */
export interface DrainDue {
  readonly cut: number;
  readonly idleLimitMs: number | undefined;
}

/** @param random from 0 to 1, so that the cuts of a spread don't come in a beat */
export function drainDue({ state, limits, now }: Drain, nowMs: number, random: number): DrainDue {
  if (state.phase === "ended") return { cut: 0, idleLimitMs: undefined };
  const { idleLimitMs, spreadMs } = limits;
  if (state.phase === "open") return { cut: 0, idleLimitMs };
  const passedMs = nowMs - state.sinceUnixMs;
  if (passedMs >= spreadMs) return { cut: now.open, idleLimitMs };
  const mayBeOpen = Math.floor(state.openAtStart * (1 - passedMs / spreadMs));
  const cut = Math.round((now.open - mayBeOpen) * (0.5 + random));
  return { cut: Math.min(Math.max(cut, 0), now.open), idleLimitMs };
}

/** How the connections ended since the drain began. */
export function drainEnds({ atStart, now }: Drain): ConnectionEnds {
  return {
    client: now.ends.client - atStart.ends.client,
    backend: now.ends.backend - atStart.ends.backend,
    drain: now.ends.drain - atStart.ends.drain,
    idle: now.ends.idle - atStart.ends.idle,
    shutdown: now.ends.shutdown - atStart.ends.shutdown,
  };
}

function deadline({ limitMs }: DrainLimits, nowMs: number): number | undefined {
  return limitMs === undefined ? undefined : nowMs + limitMs;
}

function startCutting(drain: Drain, nowMs: number): Drain {
  const { state, deadlineUnixMs, now } = drain;
  if (state.phase !== "open" || deadlineUnixMs === undefined || nowMs < deadlineUnixMs) return drain;
  return { ...drain, state: { phase: "cutting", sinceUnixMs: nowMs, openAtStart: now.open } };
}

function ended(drain: Drain, outcome: DrainOutcome, nowMs: number): Drain {
  return { ...drain, state: { phase: "ended", endedUnixMs: nowMs, outcome } };
}
