/**
 * The order in which new connections take backends, as pure functions.
 *
 * Smooth weighted round-robin (as in nginx): each turn every backend gains its weight, the one with the most takes
 * the connection and pays the sum of all weights. Weights 5, 1, 1 give a a b a c a a: spread out, not in bursts.
 * After as many turns as the sum of the weights all are at zero again, so that one round is the whole sequence;
 * with equal weights it is the list.
 *
 * Backends of equal weight take their turns in list order, so one candidate per distinct weight is enough to
 * compare: at most 256 comparisons a turn instead of one per backend.
 */
export function rotationSequence(weights: readonly number[]): readonly number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  const classes = new Map<number, WeightClass>();
  weights.forEach((weight, index) => {
    const reduced = weight / divisor;
    const existing = classes.get(reduced);
    if (existing) existing.members.push(index);
    else classes.set(reduced, { weight: reduced, members: [index], taken: 0 });
  });
  const total = weights.reduce((sum, weight) => sum + weight / divisor, 0);
  return Array.from({ length: total }, (_, turn) => takeTurn([...classes.values()], turn + 1, total));
}

/**
 * For each position of the old sequence, the position of the new one that counts as taken last, so that a change
 * of the list goes on where the round was: the same backend's same turn if it is still there, else that of the
 * nearest one before it.
 */
export function carryPositions(before: readonly string[], after: readonly string[]): readonly number[] {
  const turns = new Map<string, number[]>();
  after.forEach((id, position) => {
    const positions = turns.get(id);
    if (positions) positions.push(position);
    else turns.set(id, [position]);
  });
  const seen = new Map<string, number>();
  const kept = before.map((id) => {
    const turn = seen.get(id) ?? 0;
    seen.set(id, turn + 1);
    const positions = turns.get(id);
    return positions?.[Math.min(turn, positions.length - 1)];
  });
  let last = kept.findLast((position) => position !== undefined) ?? 0;
  return kept.map((position) => (last = position ?? last));
}

interface WeightClass {
  readonly weight: number;
  readonly members: number[];
  /** Turns that the members took so far, all together. */
  taken: number;
}

function takeTurn(classes: readonly WeightClass[], turn: number, total: number): number {
  let best: WeightClass | undefined;
  let bestCredit = -Infinity;
  let bestMember = -1;
  for (const candidate of classes) {
    const count = candidate.members.length;
    const member = candidate.members[candidate.taken % count] ?? -1;
    const credit = turn * candidate.weight - total * Math.floor(candidate.taken / count);
    if (credit > bestCredit || (credit === bestCredit && member < bestMember)) {
      [best, bestCredit, bestMember] = [candidate, credit, member];
    }
  }
  if (best) best.taken += 1;
  return bestMember;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
