import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { createSampledLog, type SampledLog } from "./log-sampler.js";

interface Rig {
  readonly log: SampledLog;
  readonly lines: Record<string, unknown>[];
  nowMs: number;
}

function startRig(perSecond: number): Rig {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
  const log = createSampledLog(pino({ base: null }, { write }), { now: () => rig.nowMs, perSecond });
  const rig: Rig = { log, lines, nowMs: 0 };
  return rig;
}

test("a flood of one event is cut to so many lines a second, and says so afterwards", () => {
  const rig = startRig(10);
  for (let i = 0; i < 1_000; i++) rig.log("warn", "flood", { i }, "x");
  rig.log("warn", "other", {}, "y");
  assert.equal(rig.lines.filter(({ event }) => event === "flood").length, 10);
  assert.equal(rig.lines.filter(({ event }) => event === "other").length, 1);
  rig.nowMs = 1_000;
  rig.log("warn", "flood", {}, "x");
  assert.equal(rig.lines.at(-1)?.["leftOut"], 990);
});

test("without a limit every line is written, and none is said to be left out", () => {
  const rig = startRig(0);
  for (let i = 0; i < 1_000; i++) rig.log("warn", "flood", { i }, "x");
  rig.nowMs = 1_000;
  rig.log("warn", "flood", {}, "x");
  assert.equal(rig.lines.length, 1_001);
  assert.ok(rig.lines.every((line) => !("leftOut" in line)));
});
