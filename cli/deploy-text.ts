import {
  DeployOutcome,
  DeployPhase,
  type DeployStatus,
  type DeployVerdict,
  DrainOutcome,
  type DrainStatus,
  HealthState,
} from "@seamless/sdk";
import { drainStep, jsonDrain } from "./drain-text.js";
import { enumWord } from "./enum-word.js";
import type { Step } from "./progress.js";
import { formatSpan } from "./time-text.js";

/** Where a deploy is, and what it waits for. */
export function deployStep(status: DeployStatus): Step {
  const json = jsonDeploy(status);
  if (status.phase === DeployPhase.DRAINING) return drainStep(status.drains, json);
  const what = describePhase(status);
  return { gist: what, json, text: (nowMs) => `${what}${formatClock(status, nowMs)}` };
}

/** A status for programs: as in the contract, with words for the enums. */
export function jsonDeploy(status: DeployStatus): object {
  const { phase, candidates, drains, verdict } = status;
  return {
    ...status,
    phase: enumWord(DeployPhase, phase),
    candidates: candidates.map(({ address, health }) => ({
      address,
      health: health && { ...health, state: enumWord(HealthState, health.state) },
    })),
    drains: drains.map(jsonDrain),
    verdict: verdict && { ...verdict, outcome: enumWord(DeployOutcome, verdict.outcome) },
  };
}

/** The verdict, in one line; of the old backends it says which may be stopped. */
export function formatVerdict(verdict: DeployVerdict, drains: readonly DrainStatus[]): string {
  const { outcome, reason, revision, ended, cut, closedIdle, durationMs } = verdict;
  const took = `${(Number(durationMs) / 1_000).toFixed(1)}s`;
  switch (outcome) {
    case DeployOutcome.SWITCHED: {
      const connections = `${ended} connections ended by themselves, ${cut} cut, ${closedIdle} closed idle`;
      return `switched: revision ${revision} in ${took}; ${connections}${describeOld(drains)}\n`;
    }
    case DeployOutcome.NEVER_HEALTHY:
      return `never healthy, nothing changed: ${reason}\n`;
    case DeployOutcome.RETURNED:
      return `returned to the old backends, revision ${revision}: ${reason}\n`;
    case DeployOutcome.SUPERSEDED:
      return `given up: ${reason} (revision ${revision})\n`;
    case DeployOutcome.CANCELLED:
      return `cancelled, the list is what it was before: ${reason}\n`;
    case DeployOutcome.UNSPECIFIED:
    default:
      return `ended, this version of seamlessctl does not know how: ${reason} (revision ${revision})\n`;
  }
}

/** Someone may have taken an old backend back while it drained: it serves again. */
function describeOld(drains: readonly DrainStatus[]): string {
  const [back, gone] = [true, false].map((taken) =>
    drains
      .filter(({ outcome }) => (outcome === DrainOutcome.TAKEN_BACK) === taken)
      .map(({ address }) => address),
  );
  const safe = gone?.length ? `; safe to stop: ${gone.join(", ")}` : "";
  return back?.length ? `${safe}; taken back, still serving: ${back.join(", ")}` : safe;
}

function describePhase({ phase, candidates, percent }: DeployStatus): string {
  switch (phase) {
    case DeployPhase.CHECKING:
      return `checking: waiting for ${candidates.map(describeCandidate).filter(Boolean).join(", ") || "nothing more, all are healthy"}`;
    case DeployPhase.CANARY:
      return `canary: the new backends get ${percent}% of new connections`;
    case DeployPhase.BAKING:
      return "baking: switched, the old backends are kept warm";
    case DeployPhase.DRAINING:
    case DeployPhase.DONE:
    case DeployPhase.UNSPECIFIED:
    default:
      return enumWord(DeployPhase, phase);
  }
}

/** "" for one that is healthy. */
function describeCandidate({ address, health }: DeployStatus["candidates"][number]): string {
  if (health?.state === HealthState.HEALTHY) return "";
  return health?.error ? `${address} (${health.error})` : address;
}

function formatClock({ phaseStartedUnixMs, phaseDeadlineUnixMs }: DeployStatus, nowMs: number): string {
  const passed = formatSpan(nowMs - Number(phaseStartedUnixMs));
  if (phaseDeadlineUnixMs === 0n) return `, for ${passed}`;
  return `, ${passed} of ${formatSpan(Number(phaseDeadlineUnixMs - phaseStartedUnixMs))}`;
}
