import assert from "node:assert/strict";
import { test } from "node:test";
import { Namesakes } from "./namesakes.js";

test("who stays longer than a lease is alive; one that was killed is gone by then", () => {
  const namesakes = new Namesakes(5_000);
  namesakes.seen("killed", 0);
  namesakes.seen("twin", 1_000);
  namesakes.seen("twin", 3_000);
  assert.deepEqual(namesakes.alive(4_999), []);
  namesakes.gone("killed");
  assert.deepEqual(namesakes.alive(5_999), []);
  assert.deepEqual(namesakes.alive(6_000), ["twin"]);
  namesakes.keepOnly(new Set(["twin", "other"]));
  assert.deepEqual(namesakes.alive(6_000), ["twin"]);
  namesakes.keepOnly(new Set());
  assert.deepEqual(namesakes.alive(60_000), []);
});

test("a lease that the store has given its full time anew is waited for once more", () => {
  const namesakes = new Namesakes(5_000);
  namesakes.seen("killed", 0);
  namesakes.countAnew(4_000);
  assert.deepEqual(namesakes.alive(8_999), []);
  assert.deepEqual(namesakes.alive(9_000), ["killed"]);
});
