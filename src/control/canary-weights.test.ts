import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_WEIGHT, parseBackends, setBackends, type BackendList } from "./backend-list.js";
import { canaryList } from "./canary-weights.js";

const list = (prefix: string, weights: readonly number[]): BackendList =>
  setBackends([], parseBackends(weights.map((weight, i) => ({ address: `${prefix}${i}:80`, weight }))));
const sum = (backends: BackendList): number => backends.reduce((total, { weight }) => total + weight, 0);
const weights = (backends: BackendList): string =>
  backends.map(({ id, weight }) => `${id}=${weight}`).join(" ");

test("a share that whole numbers can meet is met exactly, with the shortest round", () => {
  assert.equal(weights(canaryList(list("a", [1]), list("b", [1]), 5)), "a0:80=19 b0:80=1");
  assert.equal(weights(canaryList(list("a", [1]), list("b", [1]), 50)), "a0:80=1 b0:80=1");
  assert.equal(weights(canaryList(list("a", [1, 1]), list("b", [1]), 25)), "a0:80=3 a1:80=3 b0:80=2");
});

test("the nearest factor is not always the nearest share: both whole numbers beside it are tried", () => {
  const mixed = canaryList(list("a", [2]), list("b", [8, 1, 3]), 98);
  assert.equal(weights(mixed), "a0:80=6 b0:80=200 b1:80=25 b2:80=75");
});

test("a backend that stays counts as new, and if all stay there is nothing to shift", () => {
  const [old, next] = [list("a", [1, 1]), list("a", [1])];
  assert.equal(weights(canaryList(old, next, 50)), "a1:80=1 a0:80=1");
  assert.equal(canaryList(next, next, 50), next);
});

const most = (group: readonly number[]): number => Math.floor(MAX_WEIGHT / Math.max(...group));

/** The least by which any pair of factors misses a share. */
function leastMiss(
  miss: (oldFactor: number, newFactor: number) => number,
  olds: number,
  news: number,
): number {
  let least = Infinity;
  for (let a = 1; a <= olds; a++) for (let b = 1; b <= news; b++) least = Math.min(least, miss(a, b));
  return least;
}

test("any share is met as closely as weights allow, and each group keeps its own proportions", () => {
  const group = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(group, group, fc.integer({ min: 1, max: 99 }), (oldWeights, newWeights, percent) => {
      const [old, next] = [list("a", oldWeights), list("b", newWeights)];
      const mixed = canaryList(old, next, percent);
      assert.ok(mixed.every(({ weight }) => weight >= 1 && weight <= MAX_WEIGHT));
      const factors = mixed.map(({ weight }, i) => weight / ([...old, ...next][i]?.weight ?? 0));
      const [oldFactors, newFactors] = [
        new Set(factors.slice(0, old.length)),
        new Set(factors.slice(old.length)),
      ];
      assert.deepEqual([oldFactors.size, newFactors.size], [1, 1]);
      const miss = (a: number, b: number): number =>
        Math.abs((b * sum(next)) / (b * sum(next) + a * sum(old)) - percent / 100);
      const [[oldFactor = 0], [newFactor = 0]] = [[...oldFactors], [...newFactors]];
      const least = leastMiss(miss, most(oldWeights), most(newWeights));
      assert.ok(miss(oldFactor, newFactor) <= least + 1e-6);
    }),
    { numRuns: 300 },
  );
});
