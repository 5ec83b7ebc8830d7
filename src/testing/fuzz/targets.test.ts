import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt } from "./attempt.js";
import { FUZZ_TARGETS } from "./targets.js";

for (const target of FUZZ_TARGETS) {
  test(`the first seed of ${target.name} is a right one, so that its changes come far`, async () => {
    assert.equal(await attempt(target, target.seeds[0] ?? ""), "");
  });
}
