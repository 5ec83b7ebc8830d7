import { ProxyError } from "../errors.js";
import { parseBackends, setBackends, type BackendList } from "./backend-list.js";
import { checkDrainLimits, NO_LIMITS, type DrainLimits } from "./drain.js";
import { completeHealthCheck, type HealthCheck } from "./health-check.js";
import type { DeployRequest } from "./management.js";

/** What a deploy is to do, complete and found to be right. */
export interface DeployPlan {
  readonly backends: BackendList;
  readonly actor: string;
  readonly expectedRevision: number | undefined;
  readonly healthTimeoutMs: number;
  readonly healthCheck: HealthCheck;
  readonly drain: DrainLimits;
  readonly canaryPercents: readonly number[];
  readonly canaryStepMs: number;
  readonly bakeMs: number;
  readonly maxConnectFailurePercent: number;
}

const DEFAULTS = { healthTimeoutMs: 30_000, canaryStepMs: 60_000, maxConnectFailurePercent: 10 };
const MAX_CANARY_STEPS = 100;

/** @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT, LIMIT_EXCEEDED */
export function planDeploy(request: DeployRequest, ofService: HealthCheck | undefined): DeployPlan {
  const { canaryPercents = [], maxConnectFailurePercent = DEFAULTS.maxConnectFailurePercent } = request;
  const rising = canaryPercents.every(
    (percent, i) => percent >= 1 && percent <= 99 && percent > (canaryPercents[i - 1] ?? 0),
  );
  if (!rising || canaryPercents.length > MAX_CANARY_STEPS) {
    throw new ProxyError(
      "INVALID_ARGUMENT",
      `the canary's shares ${canaryPercents.slice(0, MAX_CANARY_STEPS).join(",")} are not rising percents from 1 to 99`,
    );
  }
  if (maxConnectFailurePercent > 100) {
    throw new ProxyError(
      "INVALID_ARGUMENT",
      `${maxConnectFailurePercent} percent of failures is more than all`,
    );
  }
  const { drain, actor, bakeMs = 0, healthCheck, expectedRevision } = request;
  return {
    backends: setBackends([], parseBackends(request.backends)),
    actor: actor ?? "",
    expectedRevision,
    healthTimeoutMs: request.healthTimeoutMs ?? DEFAULTS.healthTimeoutMs,
    healthCheck: healthCheck
      ? completeHealthCheck(healthCheck)
      : (ofService ?? completeHealthCheck({ kind: { type: "tcp" } })),
    drain: checkDrainLimits(drain ?? NO_LIMITS),
    canaryPercents,
    canaryStepMs: request.canaryStepMs ?? DEFAULTS.canaryStepMs,
    bakeMs,
    maxConnectFailurePercent,
  };
}
