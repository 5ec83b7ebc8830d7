import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseEngine } from "./choose-engine.js";

const options = { threads: 1, maxConnections: 10 } as const;
const load = (): never => {
  throw new Error("No native build was found for platform=plan9\n    loaded from: /somewhere");
};

test("auto is the native engine, where it can be used", () => {
  const { engine, reason } = chooseEngine({ ...options, choice: "auto" });
  assert.deepEqual([engine.name, engine.maxConnections, reason], ["native", 10, "it is the faster one"]);
});

test("auto falls back to the node engine and says why", () => {
  const { engine, reason, isSecondBest } = chooseEngine({ ...options, choice: "auto", load });
  assert.deepEqual([engine.name, isSecondBest], ["node", true]);
  assert.equal(reason, "the native one can't be used: No native build was found for platform=plan9");
});

test("native is that or one clear line", () => {
  assert.equal(chooseEngine({ ...options, choice: "native" }).engine.name, "native");
  assert.throws(() => chooseEngine({ ...options, choice: "native", load }), {
    code: "ENGINE_UNAVAILABLE",
    message: /plan9; build it .* or use --engine node$/,
  });
});

test("node never loads the addon", () => {
  assert.equal(chooseEngine({ ...options, choice: "node", load }).engine.name, "node");
});
