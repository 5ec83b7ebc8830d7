import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { createSampledWarning } from "./log-sampler.js";

test("a flood of one event is cut to ten lines a second, and says so afterwards", () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { base: null },
    { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  let nowMs = 0;
  const warn = createSampledWarning(logger, () => nowMs);
  for (let i = 0; i < 1_000; i++) warn("flood", { i }, "x");
  warn("other", {}, "y");
  assert.equal(lines.filter(({ event }) => event === "flood").length, 10);
  assert.equal(lines.filter(({ event }) => event === "other").length, 1);
  nowMs = 1_000;
  warn("flood", {}, "x");
  assert.equal(lines.at(-1)?.["leftOut"], 990);
});
