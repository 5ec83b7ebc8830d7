import { MAX_WEIGHT, type BackendList } from "./backend-list.js";

/**
 * The list in which new backends have about so many percent of the new connections, and the old ones the rest, each
 * group shared out as its own weights say. Weights are whole numbers of at most 256, so both groups are multiplied by
 * the pair of factors that comes closest; of equally close ones the smallest, which makes the shortest round.
 *
 * A backend that is in both lists counts as new.
 */
export function canaryList(old: BackendList, next: BackendList, percent: number): BackendList {
  const nextIds = new Set(next.map(({ id }) => id));
  const leaving = old.filter(({ id }) => !nextIds.has(id));
  if (leaving.length === 0) return next;
  const [oldFactor, newFactor] = closestFactors(leaving, next, percent / 100);
  return [
    ...leaving.map((backend) => ({ ...backend, weight: backend.weight * oldFactor })),
    ...next.map((backend) => ({ ...backend, weight: backend.weight * newFactor })),
  ];
}

function closestFactors(old: BackendList, next: BackendList, share: number): readonly [number, number] {
  const [oldSum, newSum] = [sumOf(old), sumOf(next)];
  const [oldMost, newMost] = [mostFactor(old), mostFactor(next)];
  let best: readonly [number, number] = [1, 1];
  let bestError = Infinity;
  for (let oldFactor = 1; oldFactor <= oldMost; oldFactor++) {
    const wanted = (share * oldFactor * oldSum) / ((1 - share) * newSum);
    for (const whole of [Math.floor(wanted), Math.ceil(wanted)]) {
      const newFactor = Math.min(Math.max(whole, 1), newMost);
      const error = Math.abs((newFactor * newSum) / (newFactor * newSum + oldFactor * oldSum) - share);
      if (error < bestError - 1e-9) [best, bestError] = [[oldFactor, newFactor], error];
    }
  }
  return best;
}

const sumOf = (list: BackendList): number => list.reduce((sum, { weight }) => sum + weight, 0);

const mostFactor = (list: BackendList): number =>
  Math.floor(MAX_WEIGHT / Math.max(...list.map(({ weight }) => weight)));
