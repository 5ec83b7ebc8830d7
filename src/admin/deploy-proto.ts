import {
  DeployOutcome,
  DeployPhase,
  type DeployRequest as ProtoDeployRequest,
  type DeployStatus as ProtoDeployStatus,
  type DeployVerdict as ProtoDeployVerdict,
} from "@seamless/proto";
import type { BackendList } from "../control/backend-list.js";
import type { DeployStatus, DeployVerdict } from "../control/deploy-status.js";
import type { Author } from "../control/history.js";
import type { DeployRequest } from "../control/management.js";
import { fromProtoDrain, toProtoDrainStatus } from "./drain-proto.js";
import { fromProtoBackends, fromProtoCondition } from "./from-proto.js";
import { fromProtoHealthCheck, toProtoHealth } from "./health-proto.js";

const PHASES = {
  checking: DeployPhase.CHECKING,
  canary: DeployPhase.CANARY,
  baking: DeployPhase.BAKING,
  draining: DeployPhase.DRAINING,
  done: DeployPhase.DONE,
} as const;

const OUTCOMES = {
  switched: DeployOutcome.SWITCHED,
  "never-healthy": DeployOutcome.NEVER_HEALTHY,
  returned: DeployOutcome.RETURNED,
  cancelled: DeployOutcome.CANCELLED,
  superseded: DeployOutcome.SUPERSEDED,
  unknown: DeployOutcome.UNKNOWN,
} as const;

/** @throws ProxyError INVALID_ARGUMENT */
export function fromProtoDeploy(request: ProtoDeployRequest, { actor, from }: Author): DeployRequest {
  return {
    ...fromProtoCondition(request),
    actor,
    from,
    backends: fromProtoBackends(request.backends),
    drain: fromProtoDrain(request.drain),
    healthTimeoutMs: request.healthTimeoutMs,
    healthCheck: fromProtoHealthCheck(request.healthCheck),
    canaryPercents: request.canaryPercents,
    canaryStepMs: request.canaryStepMs,
    bakeMs: request.bakeMs,
    maxConnectFailurePercent: request.maxConnectFailurePercent,
    fleet: request.fleet,
    quorum: request.quorum,
    firstProxies: request.firstProxies,
  };
}

export function toProtoDeploy(status: DeployStatus): ProtoDeployStatus {
  return {
    id: status.id,
    phase: PHASES[status.phase],
    startedUnixMs: BigInt(status.startedUnixMs),
    phaseStartedUnixMs: BigInt(status.phaseStartedUnixMs),
    phaseDeadlineUnixMs: BigInt(status.phaseDeadlineUnixMs ?? 0),
    revision: BigInt(status.revision),
    percent: status.percent,
    backends: toProtoSpecs(status.backends),
    candidates: status.candidates.map(({ address, health }) => ({ address, health: toProtoHealth(health) })),
    drains: status.drains.map(toProtoDrainStatus),
    proxies: status.proxies.map((proxy) => ({ ...proxy, revision: BigInt(proxy.revision) })),
    verdict: status.verdict && toProtoVerdict(status.verdict),
  };
}

export function toProtoSpecs(list: BackendList): { address: string; weight: number }[] {
  return list.map(({ id: address, weight }) => ({ address, weight }));
}

function toProtoVerdict(verdict: DeployVerdict): ProtoDeployVerdict {
  return {
    outcome: OUTCOMES[verdict.outcome],
    reason: verdict.reason,
    revision: BigInt(verdict.revision),
    ended: BigInt(verdict.ended),
    cut: BigInt(verdict.cut),
    closedIdle: BigInt(verdict.closedIdle),
    durationMs: BigInt(verdict.durationMs),
    vanishedProxies: [...verdict.vanished],
    restartedProxies: [...verdict.restarted],
  };
}
