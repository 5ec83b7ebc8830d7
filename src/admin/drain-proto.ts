import {
  DrainOutcome,
  type ConnectionEnds as ProtoEnds,
  type DrainOptions,
  type DrainProgress,
  type DrainStatus,
} from "@seamless/proto";
import { drainEnds, type Drain, type DrainLimits } from "../control/drain.js";
import type { Ledger } from "../control/ledger.js";

const OUTCOMES = {
  empty: DrainOutcome.EMPTY,
  cut: DrainOutcome.CUT,
  "taken-back": DrainOutcome.TAKEN_BACK,
} as const;

export function toProtoEnds(ends: Ledger["ends"]): ProtoEnds {
  return {
    byClient: BigInt(ends.client),
    byBackend: BigInt(ends.backend),
    cutByDrain: BigInt(ends.drain),
    closedIdle: BigInt(ends.idle),
    cutByShutdown: BigInt(ends.shutdown),
  };
}

export function toProtoDrain(drain: Drain, oldestUnixMs: number | undefined): DrainProgress {
  const { limits, now, atStart } = drain;
  return {
    startedUnixMs: BigInt(drain.startedUnixMs),
    connectionsAtStart: Math.max(drain.connectionsAtStart, now.open),
    openConnections: now.open,
    options: { limitMs: limits.limitMs, idleLimitMs: limits.idleLimitMs, spreadMs: limits.spreadMs },
    deadlineUnixMs: BigInt(drain.deadlineUnixMs ?? 0),
    oldestUnixMs: BigInt(oldestUnixMs ?? 0),
    lastByteUnixMs: BigInt(drain.lastByteUnixMs ?? 0),
    bytes: BigInt(now.bytes - atStart.bytes),
    ends: toProtoEnds(drainEnds(drain)),
  };
}

export function toProtoDrainStatus(drain: Drain): DrainStatus {
  const { id, state } = drain;
  const ended = state.phase === "ended";
  return {
    address: id,
    progress: toProtoDrain(drain, undefined),
    outcome: ended ? OUTCOMES[state.outcome] : DrainOutcome.OPEN,
    endedUnixMs: BigInt(ended ? state.endedUnixMs : 0),
  };
}

export function fromProtoDrain(options: DrainOptions | undefined): DrainLimits | undefined {
  return (
    options && { limitMs: options.limitMs, idleLimitMs: options.idleLimitMs, spreadMs: options.spreadMs }
  );
}
