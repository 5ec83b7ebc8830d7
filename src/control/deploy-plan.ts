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
  readonly healthCheck: HealthCheck;
  readonly drain: DrainLimits;
  readonly canaryPercents: readonly number[];
  readonly canaryStepMs: number;
  readonly bakeMs: number;
  readonly maxConnectFailurePercent: number;
}

const DEFAULTS = { healthTimeoutMs: 30_000, canaryStepMs: 60_000, maxConnectFailurePercent: 10 };
const MOST_SHOWN = 20;

/** @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT, LIMIT_EXCEEDED */
export function planDeploy(request: DeployRequest, ofService: HealthCheck | undefined): DeployPlan {
  const { canaryPercents = [], drain = NO_LIMITS, bakeMs = 0, expectedRevision } = request;
  const { maxConnectFailurePercent = DEFAULTS.maxConnectFailurePercent } = request;
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
    healthCheck: chooseCheck(request.healthCheck, ofService),
    drain: checkDrainLimits(drain),
    canaryPercents,
    canaryStepMs: request.canaryStepMs ?? DEFAULTS.canaryStepMs,
    bakeMs,
    maxConnectFailurePercent,
  };
}

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
