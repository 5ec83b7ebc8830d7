import type { Choice, RoutingTable, Target } from "../engine/engine.js";
import type { BackendList, ListedBackend } from "./backend-list.js";
import type { Balancing } from "./balancing.js";
import { maglevTable } from "./maglev.js";
import { carryPositions, rotationSequence } from "./rotation.js";

/** What the routing table is made of, apart from the list. */
export interface Routability {
  /** IP addresses that may be connected to; empty: the backend is skipped. */
  readonly addresses: (backend: ListedBackend) => readonly string[];
  /** Set aside, by failed connects or checks. */
  readonly isAside: (id: string) => boolean;
  readonly holdMs: number;
  readonly balance: Balancing;
}

const CHOICES: Readonly<Record<Balancing, Choice>> = {
  round_robin: "turn",
  least_connections: "least",
  source_hash: "hash",
  random_two_choices: "two",
};

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
  { addresses, isAside, holdMs, balance }: Routability,
  previous?: Route,
): Route {
  const connectable = list.filter((backend) => addresses(backend).length > 0);
  const able = connectable.filter(({ id }) => !isAside(id));
  const inRotation = able.length === 0 && holdMs === 0 ? connectable : able;
  const lastResorts = able.length === 0 ? [] : connectable.filter(({ id }) => isAside(id));
  const targets = [...inRotation, ...lastResorts].map((backend): Target => {
    return {
      id: backend.id,
      weight: backend.weight,
      endpoints: addresses(backend).map((host) => ({ host, port: backend.address.port })),
    };
  });
  const choice = CHOICES[balance];
  if (choice === "hash")
    return { table: { targets, sequence: maglevTable(inRotation), choice, holdMs }, order: [] };
  const weights = inRotation.map(({ weight }) => weight);
  const sequence = choice === "least" ? weights.map((_, index) => index) : rotationSequence(weights);
  const order = sequence.map((index) => targets[index]?.id ?? "");
  const table = { targets, sequence, choice, holdMs };
  if (!previous) return { table, order };
  return { table: { ...table, carry: carryPositions(previous.order, order) }, order };
}
