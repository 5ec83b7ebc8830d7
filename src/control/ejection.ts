/**
 * Passive health, as a pure state machine per backend: in the rotation until `threshold` connects failed in a row,
 * then aside for `durationMs`, then back in. The count of failures is not forgotten while it is aside, so that the
 * first failure after its return puts it aside again, and the first success brings it back for good.
 *
 * The last backend that could take connections is never put aside: trying it is better than not trying.
 */
export type Ejections = ReadonlyMap<string, Ejection>;

export interface Ejection {
  readonly untilMs: number;
  readonly error: string;
}

export interface EjectionPolicy {
  readonly threshold: number;
  readonly durationMs: number;
}

export interface ConnectFailure {
  readonly id: string;
  readonly code: string;
  /** Failures in a row, this one included. */
  readonly consecutive: number;
  readonly nowMs: number;
  /** Backends in the list that have an address to connect to. */
  readonly connectable: readonly string[];
}

/** The same map if nothing changes. */
export function onConnectFailure(
  ejections: Ejections,
  failure: ConnectFailure,
  policy: EjectionPolicy,
): Ejections {
  if (failure.consecutive < policy.threshold || ejections.has(failure.id)) return ejections;
  if (!failure.connectable.includes(failure.id)) return ejections;
  if (!failure.connectable.some((id) => id !== failure.id && !ejections.has(id))) return ejections;
  const error = `${failure.consecutive} connects in a row failed (${failure.code})`;
  return new Map([...ejections, [failure.id, { untilMs: failure.nowMs + policy.durationMs, error }]]);
}

/** The same map if none of them was aside. */
export function reinstate(ejections: Ejections, ids: readonly string[]): Ejections {
  if (!ids.some((id) => ejections.has(id))) return ejections;
  return new Map([...ejections].filter(([id]) => !ids.includes(id)));
}

export function expiredEjections(ejections: Ejections, nowMs: number): readonly string[] {
  return [...ejections].filter(([, { untilMs }]) => untilMs <= nowMs).map(([id]) => id);
}

/** When the next backend may come back; undefined if none is aside. */
export function nextExpiryMs(ejections: Ejections): number | undefined {
  return ejections.size === 0
    ? undefined
    : Math.min(...[...ejections.values()].map(({ untilMs }) => untilMs));
}
