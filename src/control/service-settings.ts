/** What can be set per service. */
export interface ServiceSettings {
  /** Time for connecting to one backend, over all its addresses. */
  readonly connectTimeoutMs: number;
  /** Most backends tried for one client. */
  readonly maxAttempts: number;
  /** How long a new connection waits while the rotation is empty; 0: it is reset at once. */
  readonly queueTimeoutMs: number;
  /** Failed connects in a row that put a backend aside, and for how long. */
  readonly ejectAfterFailures: number;
  readonly ejectMs: number;
  /** How long a change waits for the first look-up of a new host name before it goes on without it. */
  readonly resolveWaitMs: number;
  /** How often the progress of drains is looked at. */
  readonly drainProgressMs: number;
}

export const DEFAULT_SETTINGS: ServiceSettings = {
  connectTimeoutMs: 3_000,
  maxAttempts: 3,
  queueTimeoutMs: 0,
  ejectAfterFailures: 3,
  ejectMs: 5_000,
  resolveWaitMs: 200,
  drainProgressMs: 250,
};
