import assert from "node:assert/strict";
import { test } from "node:test";
import { DrainOutcome, HealthState } from "@seamless/sdk";
import { ctl, defaults, fails, state } from "./testing/ctl.js";

const ended = (outcome: DrainOutcome, cutByDrain: bigint): unknown => ({
  address: "b:1",
  outcome,
  endedUnixMs: 9_000n,
  progress: { ...state.backends[1]?.drain, ends: { ...state.ledger?.ends, cutByDrain, cutByShutdown: 0n } },
});
const parse = (line: string): unknown => JSON.parse(line);
const linesOf = (text: string): unknown[] => text.trim().split("\n").map(parse);

for (const line of [
  "weight a:1=5",
  "undrain b:1",
  "pause",
  "resume",
  "rollback",
  "set a:1 --drain 0",
  "remove b:1 --drain-idle 5s",
])
  test(`${line} -o json answers as every change does`, async () => {
    const { exitCode, stdout, stderr } = await ctl(`${line} -o json`);
    assert.deepEqual([exitCode, stderr], [0, ""]);
    const list = parse((await ctl("get -o json")).stdout);
    assert.deepEqual(linesOf(stdout), [{ changed: true, state: list }]);
  });

for (const line of ["drain cut b:1", "drain extend b:1 --limit none"])
  test(`${line} -o json answers the state`, async () => {
    const { stdout } = await ctl(`${line} -o json`, () => state);
    assert.deepEqual(linesOf(stdout), [{ state: parse((await ctl("get -o json")).stdout) }]);
  });

for (const line of ["health", "health none", "health grpc"])
  test(`${line} -o json answers the state`, async () => {
    assert.deepEqual(parse((await ctl(`${line} -o json`)).stdout), parse((await ctl("get -o json")).stdout));
  });

test("health states are words in JSON", async () => {
  const health = { state: HealthState.UNKNOWN, error: "", checkedUnixMs: 0n };
  const checked = { ...state, backends: state.backends.map((backend) => ({ ...backend, health })) };
  const json = parse((await ctl("health -o json", () => ({ state: checked }))).stdout) as {
    backends: { health: object }[];
  };
  assert.deepEqual(json.backends[0]?.health, { state: "unknown", error: "", checkedUnixMs: 0 });
});

test("history -o json is one object with all entries", async () => {
  const entry = {
    revision: 2n,
    atUnixMs: 5n,
    verb: "set",
    actor: "me",
    from: "h:1",
    backends: [],
    ledger: undefined,
  };
  const { stdout } = await ctl("history -o json", () => [entry]);
  assert.deepEqual(linesOf(stdout), [
    { entries: [{ revision: 2, atUnixMs: 5, verb: "set", actor: "me", from: "h:1", backends: [] }] },
  ]);
});

for (const [line, outcome, cut, exitCode] of [
  ["drain wait b:1", DrainOutcome.EMPTY, 0n, 0],
  ["drain wait b:1", DrainOutcome.CUT, 2n, 7],
  ["drain wait b:1 --max-cut 1", DrainOutcome.CUT, 2n, 7],
  ["drain wait b:1 --max-cut 2", DrainOutcome.CUT, 2n, 0],
] as const)
  test(`${line} -o json with ${cut} cut exits ${exitCode}; its last object says how the drain ended`, async () => {
    const drains = [ended(outcome, cut)];
    const run = await ctl(`${line} -o json`, (tell) => {
      tell?.([ended(DrainOutcome.OPEN, 0n)]);
      tell?.(drains);
      return drains;
    });
    assert.deepEqual([run.exitCode, run.stderr], [exitCode, ""]);
    const outcomes = (linesOf(run.stdout) as { drains: { outcome: string }[] }[]).map(
      ({ drains: [drain] }) => drain?.outcome,
    );
    assert.deepEqual(outcomes, ["open", outcome === DrainOutcome.CUT ? "cut" : "empty"]);
  });

test("set --wait waits for what was in the list before and is not any more", async () => {
  const answers = [{ state }, { state: { ...state, backends: [] }, changed: true }, []];
  const { calls, exitCode } = await ctl("set c:1 --wait", () => answers.shift());
  assert.deepEqual(
    calls.map((call) => (Array.isArray(call) ? (call as unknown[]).slice(0, 2) : call)).slice(1, 4),
    [
      ["get", undefined],
      ["set", [{ address: "c:1" }]],
      ["waitForDrain", ["a:1"]],
    ],
  );
  assert.equal(exitCode, 0);
  const kept = await ctl("set a:1 --wait", () => ({ state, changed: false }));
  assert.deepEqual([kept.calls.length, kept.calls.at(-1)], [4, "close"]);
});

for (const line of ["deploy c:1", "deploy --watch", "drain wait", "pause"])
  test(`${line} that is interrupted exits 130, and that runs out of time exits 4`, async () => {
    assert.equal((await ctl(line, fails("CANCELLED"))).exitCode, 130);
    assert.equal((await ctl(line, fails("DEADLINE_EXCEEDED"))).exitCode, 4);
  });

test("who asks is told to the SDK, if it is known", async () => {
  assert.deepEqual((await ctl("get", undefined, { actor: "me@ci" })).calls[0], {
    ...defaults,
    actor: "me@ci",
  });
  assert.deepEqual((await ctl("get")).calls[0], defaults);
});

for (const [line, complaint] of [
  ["health --interval 1s", /need its kind/],
  ["health none --rise 3", /need its kind/],
  ["health tcp --host app", /only for http checks/],
  ["deploy a:1 --health-interval 1s", /need its kind/],
  ["deploy a:1 --health grpc --health-status 200", /only for http checks/],
  ["deploy --watch --drain 30s", /only --max-cut/],
  ["deploy --watch --if-revision 3", /only --max-cut/],
  ["deploy --watch --fleet", /only --max-cut/],
  ["deploy a:1 --quorum 2", /--quorum and --first need --fleet/],
  ["deploy a:1 --first 1", /--quorum and --first need --fleet/],
  ["deploy a:1 --fleet --first 1 --canary 5", /--first and --canary exclude each other/],
  ["deploy a:1 --fleet --first one", /Expected a whole number/],
  ["remove a:1 --max-cut 3", /--max-cut needs --wait/],
  ["set a:1 --max-cut 3", /--max-cut needs --wait/],
] as const)
  test(`${line} is refused rather than half done`, async () => {
    const { exitCode, stderr, calls } = await ctl(line);
    assert.deepEqual([exitCode, calls], [2, []]);
    assert.match(stderr, complaint);
  });
