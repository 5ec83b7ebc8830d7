import assert from "node:assert/strict";
import { test } from "node:test";
import {
  beginDeploy,
  endDeploy,
  enterPhase,
  observeDeploy,
  type DeployPhase,
  type DeployStatus,
} from "./deploy-status.js";
import { beginDrain, observeDrain } from "./drain.js";
import { NO_LEDGER } from "./ledger.js";

const PHASES: readonly DeployPhase[] = ["checking", "canary", "baking", "draining", "done"];
const ALLOWED = new Set([
  "checking>canary",
  "checking>baking",
  "checking>draining",
  "checking>done",
  "canary>canary",
  "canary>baking",
  "canary>draining",
  "canary>done",
  "baking>draining",
  "baking>done",
  "draining>done",
]);

const begun = beginDeploy("id", [], 100, 1_000);
const at = (phase: DeployPhase): DeployStatus => ({ ...begun, phase });
const END = { outcome: "switched", reason: "", revision: 7 } as const;

for (const from of PHASES) {
  for (const to of PHASES.filter((phase) => phase !== "checking")) {
    const allowed = ALLOWED.has(`${from}>${to}`);
    test(`${from} ${allowed ? "may" : "can't"} be followed by ${to}`, () => {
      const move = (): DeployStatus =>
        to === "done"
          ? endDeploy(at(from), END, 2_000)
          : enterPhase(at(from), { phase: to, revision: 5, percent: 9, lastsMs: 50 }, 2_000);
      if (allowed) assert.equal(move().phase, to);
      else assert.throws(move, /can't go/);
    });
  }
}

test("a phase knows when it began and will be over, its revision and share", () => {
  assert.deepEqual([begun.phaseStartedUnixMs, begun.phaseDeadlineUnixMs], [1_000, 1_100]);
  const canary = enterPhase(begun, { phase: "canary", revision: 5, percent: 9, lastsMs: 50 }, 2_000);
  const { phaseStartedUnixMs, phaseDeadlineUnixMs, revision, percent } = canary;
  assert.deepEqual([phaseStartedUnixMs, phaseDeadlineUnixMs, revision, percent], [2_000, 2_050, 5, 9]);
  const draining = enterPhase(
    canary,
    { phase: "draining", revision: 6, percent: 100, lastsMs: undefined },
    3_000,
  );
  assert.equal(draining.phaseDeadlineUnixMs, undefined);
});

test("the verdict sums up how the connections of the old backends ended", () => {
  const start = { limits: { spreadMs: 0 }, weight: 1, nowMs: 1 };
  const ends = { client: 1, backend: 2, drain: 3, idle: 4, shutdown: 5 };
  const drains = ["a:1", "b:1"].map((id) =>
    observeDrain(
      beginDrain({ ...start, id, counts: { open: 15, bytes: 0, ends: NO_LEDGER.ends } }),
      { open: 0, bytes: 0, ends },
      9,
    ),
  );
  const { verdict } = endDeploy(observeDeploy(at("draining"), { drains }), END, 3_500);
  assert.deepEqual(verdict, {
    ...END,
    ended: 6,
    cut: 16,
    closedIdle: 8,
    durationMs: 2_500,
    vanished: [],
    restarted: [],
  });
});

test("what is seen after the end changes nothing", () => {
  const over = endDeploy(begun, { ...END, outcome: "cancelled" }, 2_000);
  assert.equal(observeDeploy(over, { candidates: [] }), over);
});
