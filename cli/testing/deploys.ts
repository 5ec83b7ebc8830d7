import {
  type DeployOutcome,
  DeployPhase,
  type DeployStatus,
  type DeployVerdict,
  DrainOutcome,
  type DrainStatus,
} from "@seamless/sdk";

export const noEnds = { byClient: 0n, byBackend: 0n, cutByDrain: 0n, closedIdle: 0n, cutByShutdown: 0n };

export function drain(
  address: string,
  outcome: DrainOutcome,
  open: number,
  extra: Partial<typeof noEnds> = {},
): DrainStatus {
  return {
    address,
    outcome,
    endedUnixMs: outcome === DrainOutcome.OPEN ? 0n : 9_000n,
    progress: {
      startedUnixMs: 1_000n,
      connectionsAtStart: 5,
      openConnections: open,
      options: { spreadMs: 0 },
      deadlineUnixMs: 0n,
      oldestUnixMs: 0n,
      lastByteUnixMs: 0n,
      bytes: 0n,
      ends: { ...noEnds, ...extra },
    },
  };
}

export const status = (phase: DeployPhase, extra: Partial<DeployStatus> = {}): DeployStatus => ({
  id: "one",
  phase,
  startedUnixMs: 0n,
  phaseStartedUnixMs: BigInt(Date.now()),
  phaseDeadlineUnixMs: 0n,
  revision: 0n,
  percent: 0,
  backends: [],
  candidates: [],
  drains: [],
  verdict: undefined,
  proxies: [],
  ...extra,
});

export const verdict = (outcome: DeployOutcome, extra: Partial<DeployVerdict> = {}): DeployVerdict => ({
  outcome,
  reason: "why",
  revision: 7n,
  ended: 12n,
  cut: 0n,
  closedIdle: 1n,
  durationMs: 8_420n,
  vanishedProxies: [],
  restartedProxies: [],
  ...extra,
});

/** A deploy that goes through these statuses to its verdict. */
export const going =
  (end: DeployVerdict, ...statuses: readonly DeployStatus[]) =>
  (tell?: (value: unknown) => void) => {
    for (const each of statuses) tell?.(each);
    tell?.(status(DeployPhase.DONE, { verdict: end, drains: [drain("old:1", DrainOutcome.EMPTY, 0)] }));
    return end;
  };
