import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { carryPositions, rotationSequence } from "./rotation.js";

const letters = (weights: readonly number[]): string =>
  rotationSequence(weights)
    .map((index) => "abcdefgh"[index])
    .join("");

/** The algorithm as nginx has it, word for word: the model. */
function smoothWeightedRoundRobin(weights: readonly number[], turns: number): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const current = weights.map(() => 0);
  return Array.from({ length: turns }, () => {
    let best = 0;
    weights.forEach((weight, i) => {
      current[i] = (current[i] ?? 0) + weight;
      if ((current[i] ?? 0) > (current[best] ?? 0)) best = i;
    });
    current[best] = (current[best] ?? 0) - total;
    return best;
  });
}

test("equal weights give the list, once", () => {
  assert.equal(letters([1, 1, 1]), "abc");
  assert.equal(letters([7, 7, 7]), "abc");
});

test("weights 5, 1, 1 are spread out", () => {
  assert.equal(letters([5, 1, 1]), "aabacaa");
});

test("an empty list has an empty sequence", () => {
  assert.deepEqual(rotationSequence([]), []);
});

test("any weights give the sequence of nginx's algorithm", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 }), (weights) => {
      const sequence = rotationSequence(weights);
      assert.deepEqual(sequence, smoothWeightedRoundRobin(weights, sequence.length));
    }),
  );
});

test("1,024 backends with all 256 weights do not stall the event loop", () => {
  const weights = Array.from({ length: 1024 }, (_, i) => (i % 256) + 1);
  const started = process.cpuUsage();
  const sequence = rotationSequence(weights);
  const { user } = process.cpuUsage(started);
  assert.equal(
    sequence.length,
    weights.reduce((sum, weight) => sum + weight, 0),
  );
  // The plain algorithm takes over a second; this one some tens of milliseconds.
  assert.ok(user < 700_000, `took ${user} µs of CPU`);
});

const ids = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"), { maxLength: 8 });

test("whatever changes, the round goes on after the last backend taken that is still there", () => {
  fc.assert(
    fc.property(ids, ids, fc.nat(7), (before, after, cursor) => {
      fc.pre(before.length > 0 && after.length > 0);
      const taken = cursor % before.length;
      const carried = carryPositions(before, after)[taken];
      assert.ok(carried !== undefined);
      const backwards = before.map((_, step) => before[(taken - step + before.length) % before.length]);
      const lastThere = backwards.find((id) => id !== undefined && after.includes(id));
      assert.equal(carried, lastThere === undefined ? 0 : after.indexOf(lastThere));
    }),
  );
});

test("a backend that is added comes after the ones that were there", () => {
  const carry = carryPositions(["a", "b"], ["a", "b", "c"]);
  assert.deepEqual(carry, [0, 1]);
});

test("a backend with several turns is carried to the same turn", () => {
  const before = ["a", "a", "b", "a", "c", "a", "a"];
  assert.deepEqual(carryPositions(before, before), [0, 1, 2, 3, 4, 5, 6]);
});
