import type { ConnectionEnds, ListenerTotals } from "../engine/engine.js";

/** What became of connections: each that was accepted is open, or counted once. */
export interface Ledger {
  readonly ends: ConnectionEnds;
  readonly leftEarly: number;
  readonly connectFailed: number;
  readonly holdExpired: number;
  readonly refusedByLimit: number;
}

export const NO_LEDGER: Ledger = {
  ends: { client: 0, backend: 0, drain: 0, idle: 0, shutdown: 0 },
  leftEarly: 0,
  connectFailed: 0,
  holdExpired: 0,
  refusedByLimit: 0,
};

export function ledgerOf({
  ends,
  leftEarly,
  connectFailed,
  holdExpired,
  refusedByLimit,
}: ListenerTotals): Ledger {
  return { ends, leftEarly, connectFailed, holdExpired, refusedByLimit };
}

/** What was added between two moments. */
export function ledgerSince(before: Ledger, now: Ledger): Ledger {
  return {
    ends: {
      client: now.ends.client - before.ends.client,
      backend: now.ends.backend - before.ends.backend,
      drain: now.ends.drain - before.ends.drain,
      idle: now.ends.idle - before.ends.idle,
      shutdown: now.ends.shutdown - before.ends.shutdown,
    },
    leftEarly: now.leftEarly - before.leftEarly,
    connectFailed: now.connectFailed - before.connectFailed,
    holdExpired: now.holdExpired - before.holdExpired,
    refusedByLimit: now.refusedByLimit - before.refusedByLimit,
  };
}
