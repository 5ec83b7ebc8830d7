import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { maglevTable } from "./maglev.js";

const backends = (count: number, weight = 1) =>
  Array.from({ length: count }, (_, index) => ({ id: `10.0.0.${index}:80`, weight }));

/** How many places each has. */
function places(table: readonly number[], count: number): number[] {
  const found = new Array<number>(count).fill(0);
  for (const index of table) found[index] = (found[index] ?? 0) + 1;
  return found;
}

test("every place is somebody's, and equal weights have equal shares", () => {
  for (const count of [1, 2, 3, 10, 11, 100, 500]) {
    const shares = places(maglevTable(backends(count)), count);
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, `${count} backends`);
  }
  assert.deepEqual(maglevTable([]), []);
});

test("a backend has its weight in places", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 1, maxLength: 10 }), (weights) => {
      const table = maglevTable(weights.map((weight, index) => ({ id: `b${index}:1`, weight })));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      places(table, weights.length).forEach((share, index) => {
        const due = (table.length * (weights[index] ?? 0)) / total;
        assert.ok(Math.abs(share - due) <= weights.length + 1, `${share} of ${due}`);
      });
    }),
    { numRuns: 100 },
  );
});

test("when one of ten goes, few places change hands beside its own", () => {
  const all = backends(10);
  const before = maglevTable(all);
  const without = all.toSpliced(4, 1);
  const after = maglevTable(without);
  const moved = before.filter(
    (owner, place) => owner !== 4 && all[owner] !== without[after[place] ?? -1],
  ).length;
  assert.ok(moved / before.length < 0.05, `${moved} of ${before.length}`);
});

test("the order of the list does not matter much", () => {
  const all = backends(5);
  const [one, other] = [maglevTable(all), maglevTable(all.toReversed())];
  const moved = one.filter((owner, place) => all[owner] !== all.toReversed()[other[place] ?? -1]).length;
  assert.ok(moved / one.length < 0.2, `${moved} of ${one.length}`);
});
