import type { BackendList } from "./backend-list.js";
import type { Drain } from "./drain.js";
import type { Health } from "./health.js";

/** How far a deploy is. Immutable; each step is a transition to the next. */
export interface DeployStatus {
  readonly id: string;
  readonly phase: DeployPhase;
  readonly startedUnixMs: number;
  readonly phaseStartedUnixMs: number;
  /** When the phase, or the canary's step, will be over at the latest; undefined: not known. */
  readonly phaseDeadlineUnixMs: number | undefined;
  /** By the last change that the deploy made; 0: it has made none. */
  readonly revision: number;
  /** Share of new connections that the new backends get. */
  readonly percent: number;
  readonly backends: BackendList;
  readonly candidates: readonly DeployCandidate[];
  readonly drains: readonly Drain[];
  /** Of the fleet; empty: only this proxy is waited for. */
  readonly proxies: readonly DeployProxy[];
  readonly verdict: DeployVerdict | undefined;
}

/** How far a deploy is in one proxy of the fleet. */
export interface DeployProxy {
  readonly id: string;
  readonly name: string;
  /** Of the list that it has applied. */
  readonly revision: number;
  /** Connections to backends that leave. */
  readonly openConnections: number;
  /** Its lease has run out. */
  readonly vanished: boolean;
  /** The new backends are tried on it. */
  readonly first: boolean;
  /** It took the place of a process of the same name that was part of the deploy. */
  readonly restarted: boolean;
  /** Connections to backends that leave that were open on that process when it told last; they have ended with it. */
  readonly lostConnections: number;
}

/**
 *     checking ──► canary (once per step) ──► baking ──► draining ──► done
 *
 * Canary and baking are left out if not asked for. Every phase may go straight to done: never healthy, cancelled,
 * superseded, returned.
 */
export type DeployPhase = "checking" | "canary" | "baking" | "draining" | "done";

const NEXT: Readonly<Record<DeployPhase, readonly DeployPhase[]>> = {
  checking: ["canary", "baking", "draining", "done"],
  canary: ["canary", "baking", "draining", "done"],
  baking: ["draining", "done"],
  draining: ["done"],
  done: [],
};

export interface DeployCandidate {
  readonly address: string;
  readonly health: Health;
}

export interface DeployVerdict {
  readonly outcome: DeployOutcome;
  /** "" if it switched. */
  readonly reason: string;
  readonly revision: number;
  readonly ended: number;
  readonly cut: number;
  readonly closedIdle: number;
  readonly durationMs: number;
  /** Names of proxies. */
  readonly vanished: readonly string[];
  readonly restarted: readonly string[];
}

export type DeployOutcome =
  "switched" | "never-healthy" | "returned" | "cancelled" | "superseded" | "unknown";

export interface PhaseChange {
  readonly phase: Exclude<DeployPhase, "checking" | "done">;
  readonly revision: number;
  readonly percent: number;
  readonly lastsMs: number | undefined;
}

export function beginDeploy(id: string, backends: BackendList, limitMs: number, nowMs: number): DeployStatus {
  return {
    id,
    phase: "checking",
    startedUnixMs: nowMs,
    phaseStartedUnixMs: nowMs,
    phaseDeadlineUnixMs: nowMs + limitMs,
    revision: 0,
    percent: 0,
    backends,
    candidates: [],
    drains: [],
    proxies: [],
    verdict: undefined,
  };
}

export function enterPhase(status: DeployStatus, change: PhaseChange, nowMs: number): DeployStatus {
  const { phase, revision, percent, lastsMs } = change;
  requireNext(status, phase);
  return {
    ...status,
    phase,
    revision,
    percent,
    phaseStartedUnixMs: nowMs,
    phaseDeadlineUnixMs: lastsMs === undefined ? undefined : nowMs + lastsMs,
  };
}

/** What was seen of the candidates and drains within the phase. */
export function observeDeploy(
  status: DeployStatus,
  seen: Partial<Pick<DeployStatus, "candidates" | "drains" | "proxies">>,
): DeployStatus {
  return status.phase === "done" ? status : { ...status, ...seen };
}

export function endDeploy(
  status: DeployStatus,
  end: Pick<DeployVerdict, "outcome" | "reason" | "revision">,
  nowMs: number,
): DeployStatus {
  requireNext(status, "done");
  const switched = end.outcome === "switched";
  const verdict: DeployVerdict = {
    ...end,
    ...sumUp(status.drains),
    durationMs: nowMs - status.startedUnixMs,
    vanished: status.proxies.filter(({ vanished }) => vanished).map(({ name }) => name),
    restarted: status.proxies.filter(({ restarted }) => restarted).map(({ name }) => name),
  };
  return {
    ...status,
    phase: "done",
    phaseStartedUnixMs: nowMs,
    phaseDeadlineUnixMs: undefined,
    percent: switched ? 100 : 0,
    verdict,
  };
}

function sumUp(drains: readonly Drain[]): Pick<DeployVerdict, "ended" | "cut" | "closedIdle"> {
  const sum = (cause: keyof Drain["now"]["ends"]): number =>
    drains.reduce((total, { now, atStart }) => total + now.ends[cause] - atStart.ends[cause], 0);
  return {
    ended: sum("client") + sum("backend"),
    cut: sum("drain") + sum("shutdown"),
    closedIdle: sum("idle"),
  };
}

function requireNext({ phase }: DeployStatus, next: DeployPhase): void {
  if (!NEXT[phase].includes(next)) throw new Error(`a deploy can't go from ${phase} to ${next}`);
}
