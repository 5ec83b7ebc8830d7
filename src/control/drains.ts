import type { DrainView } from "./service-state.js";

/** The backends that left the list while they had connections, the longest draining first. Pure. */
export type Drains = ReadonlyMap<string, Drain>;

export interface Drain {
  readonly weight: number;
  readonly startedUnixMs: number;
  readonly connectionsAtStart: number;
}

/** How many connections a backend has open. */
export type OpenConnections = (id: string) => number;

export interface DrainChange {
  readonly leaving: readonly { readonly id: string; readonly weight: number }[];
  /** Ids of the backends that are in the list now. */
  readonly listed: ReadonlySet<string>;
  readonly nowMs: number;
}

/** The drains after a change of the list: what left it drains, what came back doesn't. */
export function changeDrains(
  drains: Drains,
  { leaving, listed, nowMs }: DrainChange,
  open: OpenConnections,
): Drains {
  const kept = [...drains].filter(([id]) => !listed.has(id));
  const begun = leaving.map(({ id, weight }): [string, Drain] => {
    return [id, { weight, startedUnixMs: nowMs, connectionsAtStart: open(id) }];
  });
  return endDrains(new Map([...kept, ...begun]), open);
}

/** Without the drains that have no connection left; the same map if all have one. */
export function endDrains(drains: Drains, open: OpenConnections): Drains {
  const left = [...drains].filter(([id]) => open(id) > 0);
  return left.length === drains.size ? drains : new Map(left);
}

export function viewDrain({ startedUnixMs, connectionsAtStart }: Drain, openConnections: number): DrainView {
  return {
    startedUnixMs,
    connectionsAtStart: Math.max(connectionsAtStart, openConnections),
    openConnections,
  };
}
