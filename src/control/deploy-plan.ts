import { ProxyError } from "../errors.js";
import { parseBackends, setBackends, type BackendList } from "./backend-list.js";
import { checkDrainLimits, NO_LIMITS, type DrainLimits } from "./drain.js";
import { completeHealthCheck, type HealthCheck, type HealthCheckRequest } from "./health-check.js";
import { authorOf, type Author } from "./history.js";
import type { DeployRequest } from "./management.js";

/** What a deploy is to do, complete and found to be right. */
export interface DeployPlan {
  readonly backends: BackendList;
  readonly author: Author;
  readonly expectedRevision: number | undefined;
  readonly healthTimeoutMs: number;
  /** How those are checked that are not in the list yet. */
  readonly candidateCheck: HealthCheck;
  readonly drain: DrainLimits;
  readonly canaryPercents: readonly number[];
  readonly canaryStepMs: number;
  readonly bakeMs: number;
  readonly maxConnectFailurePercent: number;
  /** All proxies of the fleet are waited for. */
  readonly fleet: boolean;
  /** How many of them must find the new backends healthy; 0: all. */
  readonly quorum: number;
  /** How many of them are switched before the rest. */
  readonly firstProxies: number;
}

const DEFAULTS = { healthTimeoutMs: 30_000, canaryStepMs: 60_000, maxConnectFailurePercent: 10 };
const MOST_SHOWN = 20;
/** Candidates are waited for, so they are looked at more often than a backend that serves. */
const MAX_CANDIDATE_INTERVAL_MS = 500;

/** @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT, LIMIT_EXCEEDED */
export function planDeploy(request: DeployRequest, ofService: HealthCheck | undefined): DeployPlan {
  const { canaryPercents = [], drain = NO_LIMITS, bakeMs = 0, expectedRevision } = request;
  const { maxConnectFailurePercent = DEFAULTS.maxConnectFailurePercent } = request;
  const ofFleet = planFleet(request);
  checkCanary(canaryPercents);
  if (maxConnectFailurePercent > 100) {
    throw new ProxyError(
      "INVALID_ARGUMENT",
      `${maxConnectFailurePercent} percent of failures is more than all`,
    );
  }
  return {
    backends: setBackends([], parseBackends(request.backends)),
    author: authorOf(request),
    expectedRevision,
    healthTimeoutMs: request.healthTimeoutMs ?? DEFAULTS.healthTimeoutMs,
    candidateCheck: hasty(chooseCheck(request.healthCheck, ofService)),
    drain: checkDrainLimits(drain),
    canaryPercents,
    canaryStepMs: request.canaryStepMs ?? DEFAULTS.canaryStepMs,
    bakeMs,
    maxConnectFailurePercent,
    ...ofFleet,
  };
}

function planFleet(request: DeployRequest): Pick<DeployPlan, "fleet" | "quorum" | "firstProxies"> {
  const { fleet = false, quorum = 0, firstProxies = 0, canaryPercents = [] } = request;
  if (!fleet && (quorum > 0 || firstProxies > 0))
    throw new ProxyError("INVALID_ARGUMENT", "a quorum and first proxies are for a deploy of the fleet");
  if (firstProxies > 0 && canaryPercents.length > 0)
    throw new ProxyError("INVALID_ARGUMENT", "a canary is either some proxies or some percents, not both");
  return { fleet, quorum, firstProxies };
}

const hasty = (check: HealthCheck): HealthCheck => {
  return { ...check, intervalMs: Math.min(check.intervalMs, MAX_CANDIDATE_INTERVAL_MS) };
};

function checkCanary(percents: readonly number[]): void {
  const rising = percents.every(
    (percent, i) => percent >= 1 && percent <= 99 && percent > (percents[i - 1] ?? 0),
  );
  if (rising) return;
  const shown = percents.slice(0, MOST_SHOWN).join(",");
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `the canary's shares ${shown} are not rising percents from 1 to 99`,
  );
}

/** What the request says, or what the service does, or a connection. */
function chooseCheck(
  request: HealthCheckRequest | undefined,
  ofService: HealthCheck | undefined,
): HealthCheck {
  if (request) return completeHealthCheck(request);
  return ofService ?? completeHealthCheck({ kind: { type: "tcp" } });
}
