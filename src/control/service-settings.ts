import type { HealthCheck } from "./health-check.js";

/** What can be set per service. */
export interface ServiceSettings {
  /** Time for connecting to one backend, over all its addresses. */
  readonly connectTimeoutMs: number;
  /** Most backends tried for one client. */
  readonly maxAttempts: number;
  /** How long a new connection waits while no backend can take it; 0: it is reset at once. */
  readonly queueTimeoutMs: number;
  /** Most connections that wait at once, unless a pause says otherwise. */
  readonly maxHeld: number;
  /** How backends are checked at first; undefined: they are not. */
  readonly healthCheck: HealthCheck | undefined;
  /** Failed connects in a row that put a backend aside, and for how long. */
  readonly ejectAfterFailures: number;
  readonly ejectMs: number;
  /** How long a change waits for the first look-up of a new host name before it goes on without it. */
  readonly resolveWaitMs: number;
  /** How often drains are looked at: what is due is done, and watchers are told what has changed. */
  readonly drainProgressMs: number;
}

export const DEFAULT_SETTINGS: ServiceSettings = {
  connectTimeoutMs: 3_000,
  maxAttempts: 3,
  queueTimeoutMs: 0,
  maxHeld: 10_000,
  healthCheck: undefined,
  ejectAfterFailures: 3,
  ejectMs: 5_000,
  resolveWaitMs: 200,
  drainProgressMs: 250,
};
