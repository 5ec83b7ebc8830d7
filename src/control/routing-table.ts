import type { RoutingTable, Target } from "../engine/engine.js";
import type { BackendList, ListedBackend } from "./backend-list.js";
import { carryPositions, rotationSequence } from "./rotation.js";

/** What the routing table is made of, apart from the list. */
export interface Routability {
  /** IP addresses that may be connected to; empty: the backend is skipped. */
  readonly addresses: (backend: ListedBackend) => readonly string[];
  /** Set aside, by failed connects or checks. */
  readonly isAside: (id: string) => boolean;
  readonly holdMs: number;
}

/** A routing table, and the ids of its sequence, which the next table's carry is computed from. */
export interface Route {
  readonly table: RoutingTable;
  readonly order: readonly string[];
}

/**
 * Turns a list into a routing table. Backends that are aside are targets without a place in the sequence: an engine
 * tries them only when all others have failed. If all are aside, connections wait for one if they may; if not, trying
 * one that is aside is better than nothing.
 *
 * @param previous the route in force; left out, the round starts anew (at the second place)
 */
export function buildRoute(
  list: BackendList,
  { addresses, isAside, holdMs }: Routability,
  previous?: Route,
): Route {
  const connectable = list.filter((backend) => addresses(backend).length > 0);
  const able = connectable.filter(({ id }) => !isAside(id));
  const inRotation = able.length === 0 && holdMs === 0 ? connectable : able;
  const lastResorts = able.length === 0 ? [] : connectable.filter(({ id }) => isAside(id));
  const targets = [...inRotation, ...lastResorts].map((backend): Target => {
    return {
      id: backend.id,
      endpoints: addresses(backend).map((host) => ({ host, port: backend.address.port })),
    };
  });
  const sequence = rotationSequence(inRotation.map(({ weight }) => weight));
  const order = sequence.map((index) => targets[index]?.id ?? "");
  if (!previous) return { table: { targets, sequence, holdMs }, order };
  return { table: { targets, sequence, holdMs, carry: carryPositions(previous.order, order) }, order };
}
