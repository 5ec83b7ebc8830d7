import { DeployOutcome, DeployPhase, type DeployStatus, HealthState } from "@seamless/sdk";
import { drainStep, jsonDrain } from "./drain-text.js";
import { enumWord } from "./enum-word.js";
import {
  fleetDrainStep,
  formatCheckers,
  formatFirst,
  formatGone,
  formatReach,
  waitedFor,
} from "./fleet-deploy-text.js";
import type { Step } from "./progress.js";
import { formatSpan } from "./time-text.js";

/** Where a deploy is, and what it waits for. */
export function deployStep(status: DeployStatus): Step {
  const json = jsonDeploy(status);
  if (status.phase === DeployPhase.DRAINING)
    return status.proxies.length > 0 ? fleetDrainStep(status, json) : drainStep(status.drains, json);
  const [what, gone] = [describePhase(status), formatGone(status)];
  return { gist: `${what}${gone}`, json, text: (nowMs) => `${what}${formatClock(status, nowMs)}${gone}` };
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

function describePhase(status: DeployStatus): string {
  const { phase, percent } = status;
  const reach = formatReach(status);
  switch (phase) {
    case DeployPhase.CHECKING:
      return `checking${formatCheckers(status)}: ${describeChecks(status)}`;
    case DeployPhase.CANARY:
      return `canary: ${formatFirst(status) || `the new backends get ${percent}% of new connections${reach}`}`;
    case DeployPhase.BAKING:
      return `baking: switched${reach}, the old backends are kept warm`;
    case DeployPhase.DRAINING:
    case DeployPhase.DONE:
    case DeployPhase.UNSPECIFIED:
    default:
      return enumWord(DeployPhase, phase);
  }
}

function describeChecks(status: DeployStatus): string {
  const unhealthy = status.candidates.map(describeCandidate).filter(Boolean);
  if (unhealthy.length > 0) return `waiting for ${unhealthy.join(", ")}`;
  if (waitedFor(status).length > 1) return "all are healthy here, waiting for the other proxies";
  return "waiting for nothing more, all are healthy";
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
