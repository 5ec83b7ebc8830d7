import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDuration } from "./duration.js";

test("durations carry their unit", () => {
  assert.deepEqual(
    ["0", "500ms", "3s", "1.5s", "2m", "1h"].map(parseDuration),
    [0, 500, 3_000, 1_500, 120_000, 3_600_000],
  );
});

test("anything else is none, and neither is what a timer can't hold", () => {
  for (const text of ["", "3", "-1s", "3 s", "3S", "s", "1d", "1e3s", "1000h"])
    assert.equal(parseDuration(text), undefined, text);
});
