import type { DrainOptions } from "@seamless/proto";
import type { ChangeOptions } from "./call-options.js";
import { requireUint32 } from "./options.js";

/** How long the connections of a backend that leaves the list may go on. */
export interface DrainLimits {
  /** Connections that are open this long after the backend left are cut. Milliseconds; 0: at once. Default: never. */
  readonly limitMs?: number;
  /**
   * A connection without a byte in either direction for this long is closed before that. Milliseconds, at least
   * 1000. Default: silence is no reason.
   */
  readonly idleLimitMs?: number;
  /** Cutting is spread over this time with jitter. Milliseconds; default: 0, all at once. */
  readonly spreadMs?: number;
}

/** Options of the changes by which backends can leave the list: `set`, `remove`, `rollback` and `deploy`. */
export interface DrainingChangeOptions extends ChangeOptions {
  /** For the connections of the backends that leave. Default: they end by themselves, however long that takes. */
  readonly drain?: DrainLimits;
}

/** Options of `rollback`. */
export interface RollbackOptions extends DrainingChangeOptions {
  /** The revision whose list is to be in force again. Default: the last one with another list than the present. */
  readonly revision?: bigint | number;
}

/** @throws SeamlessError INVALID_OPTIONS naming the limit */
export function toDrainOptions(limits: DrainLimits | undefined, method: string): DrainOptions | undefined {
  if (limits === undefined) return undefined;
  const { limitMs, idleLimitMs, spreadMs = 0 } = limits;
  return {
    limitMs: limitMs === undefined ? undefined : requireUint32("drain.limitMs", limitMs, method),
    idleLimitMs:
      idleLimitMs === undefined ? undefined : requireUint32("drain.idleLimitMs", idleLimitMs, method),
    spreadMs: requireUint32("drain.spreadMs", spreadMs, method),
  };
}
