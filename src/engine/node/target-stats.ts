import { noEnds } from "../ends.js";
import type { RoutingTable, TargetCounters } from "../engine.js";
import { NO_COUNTERS } from "../no-counters.js";
import { CONNECT_BOUNDS_S, LIFE_BOUNDS_S, TimeCounter } from "../time-histogram.js";

/** The counters of one target, and what the engine remembers of it. */
export class TargetStats {
  readonly id: string;
  activeConnections = 0;
  totalConnections = 0;
  failedConnects = 0;
  bytesIn = 0;
  bytesOut = 0;
  readonly ends = noEnds();
  readonly connectTimes = new TimeCounter(CONNECT_BOUNDS_S);
  readonly lifeTimes = new TimeCounter(LIFE_BOUNDS_S);
  consecutiveFailures = 0;
  /** Whether the table in force has the target. */
  routed = true;
  /** Index of the endpoint that could be connected last: tried first, so that `localhost` is not refused each time. */
  preferredEndpoint = 0;

  constructor(id: string) {
    this.id = id;
  }
}

/** The counters of all targets that are in the table or still have connections. */
export class StatsBook {
  readonly #stats = new Map<string, TargetStats>();

  of(id: string): TargetStats {
    let stats = this.#stats.get(id);
    if (!stats) this.#stats.set(id, (stats = new TargetStats(id)));
    return stats;
  }

  read(id: string): TargetCounters {
    const stats = this.#stats.get(id);
    if (!stats) return NO_COUNTERS;
    return {
      activeConnections: stats.activeConnections,
      totalConnections: stats.totalConnections,
      failedConnects: stats.failedConnects,
      bytesIn: stats.bytesIn,
      bytesOut: stats.bytesOut,
      ends: { ...stats.ends },
      connectTimes: stats.connectTimes.read(),
      lifeTimes: stats.lifeTimes.read(),
    };
  }

  /** Follows a new table: what is in neither table nor use is forgotten. */
  follow({ targets }: RoutingTable): void {
    for (const stats of this.#stats.values()) stats.routed = false;
    for (const { id } of targets) this.of(id).routed = true;
    for (const stats of this.#stats.values())
      if (!stats.routed && stats.activeConnections === 0) this.forget(stats);
  }

  forget({ id }: TargetStats): void {
    this.#stats.delete(id);
  }
}
