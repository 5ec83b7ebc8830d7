import assert from "node:assert/strict";
import { test } from "node:test";
import { dropFalseFlags } from "./global-options.js";

test("SEAMLESS_TLS may say no", () => {
  for (const [text, left] of [
    ["1", "1"],
    ["true", "true"],
    ["0", undefined],
    ["False", undefined],
    ["", undefined],
  ] as const) {
    const environment = { SEAMLESS_TLS: text };
    dropFalseFlags(environment);
    assert.equal((environment as NodeJS.ProcessEnv)["SEAMLESS_TLS"], left, text);
  }
});
