import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseEngine } from "./choose-engine.js";

const options = { threads: 1, maxConnections: 10, idPrefix: "x", tellEnds: false } as const;
const load = (): never => {
  throw new Error("No native build was found for platform=plan9\n    loaded from: /somewhere");
};

test("auto is the native engine, where it can be used", async () => {
  const { engine, reason } = await chooseEngine({ ...options, choice: "auto" });
  assert.deepEqual([engine.name, engine.maxConnections, reason], ["native", 10, "it is the faster one"]);
});

test("auto falls back to the node engine and says why", async () => {
  const { engine, reason, isSecondBest } = await chooseEngine({ ...options, choice: "auto", load });
  assert.deepEqual([engine.name, isSecondBest], ["node", true]);
  assert.equal(reason, "the native one can't be used: No native build was found for platform=plan9");
});

test("native is that or one clear line", async () => {
  assert.equal((await chooseEngine({ ...options, choice: "native" })).engine.name, "native");
  await assert.rejects(chooseEngine({ ...options, choice: "native", load }), {
    code: "ENGINE_UNAVAILABLE",
    message: /plan9; build it .* or use --engine node$/,
  });
});

test("node never loads the addon", async () => {
  assert.equal((await chooseEngine({ ...options, choice: "node", load })).engine.name, "node");
});
