import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffDelayMs } from "./backoff.js";

const retry = { attempts: 9, initialDelayMs: 100, maxDelayMs: 500 };

test("waits double from failure to failure, up to the longest", () => {
  const waits = [1, 2, 3, 4, 5].map((failures) => backoffDelayMs(failures, retry, () => 0));
  assert.deepEqual(waits, [100, 200, 400, 500, 500]);
});

test("chance makes a wait up to a quarter shorter, never longer", () => {
  assert.equal(
    backoffDelayMs(1, retry, () => 0.5),
    87.5,
  );
  assert.equal(
    backoffDelayMs(9, retry, () => 1),
    375,
  );
});

test("the longest wait also limits the first", () => {
  assert.equal(
    backoffDelayMs(1, { ...retry, maxDelayMs: 30 }, () => 0),
    30,
  );
});

test("a row of failures without end still has a finite wait", () => {
  assert.equal(
    backoffDelayMs(5_000, retry, () => 0),
    500,
  );
});
