import type { ProxyProtocol } from "../../proxy-header.js";
import type { Endpoint, Target } from "../engine.js";
import type { Cause } from "../unserved.js";
import type { Connection } from "./connection.js";
import type { DialDeadlines } from "./dial-deadlines.js";
import type { LoopTurns } from "./loop-turns.js";
import type { TargetStats } from "./target-stats.js";

/** Of the last endpoint of a target; undefined: it has none. */
export interface DialFailure {
  readonly tried: Endpoint | undefined;
  readonly code: string;
}

/** What a connection asks of its listener. */
export interface ConnectionHost {
  readonly deadlines: DialDeadlines;
  readonly turns: LoopTurns;
  readonly connectTimeoutMs: number;
  readonly maxAttempts: number;
  readonly sendProxy: ProxyProtocol;
  /**
   * The next target for a new connection; undefined while there is none.
   * @param hash of the client's address
   */
  firstTarget(hash: () => number): Target | undefined;
  /** Another target after these failed; undefined if there is none. */
  nextTarget(tried: readonly string[]): Target | undefined;
  stats(id: string): TargetStats;
  connectFailed(connection: Connection, stats: TargetStats, failure: DialFailure): void;
  connected(stats: TargetStats): void;
  /** Nothing could be connected; the connection waits again, and is to be held or aborted. */
  unconnectable(connection: Connection, reason: "no-backend" | "descriptors"): void;
  /** The connection uses its target no more. */
  released(stats: TargetStats): void;
  ended(connection: Connection, cause: Cause): void;
}
