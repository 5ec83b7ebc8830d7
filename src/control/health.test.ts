import assert from "node:assert/strict";
import { test } from "node:test";
import { afterCheck, nextCheckDelayMs, UNKNOWN, type Health } from "./health.js";

const POLICY = { rise: 3, fall: 2 };
const check = (health: Health, ...errors: string[]): Health =>
  errors.reduce((now, error, i) => afterCheck(now, error, POLICY, i + 1), health);

test("the first check decides by itself", () => {
  assert.deepEqual(check(UNKNOWN, ""), { state: "healthy", against: 0, error: "", checkedUnixMs: 1 });
  assert.deepEqual(check(UNKNOWN, "no"), { state: "unhealthy", against: 0, error: "no", checkedUnixMs: 1 });
});

test("a healthy backend is unhealthy after `fall` failures in a row", () => {
  assert.equal(check(UNKNOWN, "", "no").state, "healthy");
  assert.equal(check(UNKNOWN, "", "no", "", "no").state, "healthy");
  assert.equal(check(UNKNOWN, "", "no", "no").state, "unhealthy");
});

test("an unhealthy backend is healthy after `rise` successes in a row", () => {
  assert.equal(check(UNKNOWN, "no", "", "").state, "unhealthy");
  assert.equal(check(UNKNOWN, "no", "", "", "no", "", "").state, "unhealthy");
  assert.equal(check(UNKNOWN, "no", "", "", "").state, "healthy");
});

test("the last check's error is kept, and its time", () => {
  const wavering = check(UNKNOWN, "", "why");
  assert.deepEqual(wavering, { state: "healthy", against: 1, error: "why", checkedUnixMs: 2 });
});

test("a state that wavers is looked at four times as often, and no two waits are alike", () => {
  const steady = check(UNKNOWN, "");
  assert.equal(nextCheckDelayMs(steady, { intervalMs: 1_000 }, 0.5), 1_000);
  assert.equal(nextCheckDelayMs(check(steady, "no"), { intervalMs: 1_000 }, 0.5), 250);
  assert.equal(nextCheckDelayMs(steady, { intervalMs: 1_000 }, 0), 900);
  assert.equal(nextCheckDelayMs(steady, { intervalMs: 1_000 }, 1), 1_100);
});
