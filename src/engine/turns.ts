import type { RoutingTable } from "./engine.js";

/** The targets that had a turn in the one table and have none in the other, or are in it no more. */
export function idsOutOfTurn(before: RoutingTable, after: RoutingTable): ReadonlySet<string> {
  const inTurn = ({ sequence, targets }: RoutingTable): string[] =>
    [...new Set(sequence)].map((index) => targets[index]?.id ?? "");
  const still = new Set(inTurn(after));
  const known = new Set(after.targets.map(({ id }) => id));
  const gone = before.targets.map(({ id }) => id).filter((id) => !known.has(id));
  return new Set([...inTurn(before).filter((id) => !still.has(id)), ...gone]);
}
