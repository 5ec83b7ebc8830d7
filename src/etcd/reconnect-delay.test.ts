import assert from "node:assert/strict";
import { test } from "node:test";
import { reconnectDelayMs } from "./reconnect-delay.js";

const delays = (endpoints: number, random: number): number[] =>
  Array.from({ length: 8 }, (_, index) => reconnectDelayMs(index + 1, endpoints, () => random));

test("the wait grows from 50 to 500 ms, and is cut by up to half", () => {
  assert.deepEqual(delays(1, 1), [50, 100, 200, 400, 500, 500, 500, 500]);
  assert.deepEqual(delays(1, 0), [25, 50, 100, 200, 250, 250, 250, 250]);
  assert.equal(
    reconnectDelayMs(10_000, 1, () => 1),
    500,
  );
});

test("an endpoint that was not tried yet is not waited for", () => {
  assert.deepEqual(delays(3, 1), [0, 0, 50, 50, 50, 100, 100, 100]);
});
