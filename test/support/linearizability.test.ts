import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { answerOf, type ModelAnswer, type ModelRequest, type ModelState } from "./list-model.js";
import { findAnomaly, type Operation } from "./linearizability.js";
import { root } from "./proxy.js";

const state = (revision: number, ...addresses: string[]): ModelState => ({
  revision,
  backends: addresses.map((address) => ({ address, weight: 1 })),
});
const done = (after: ModelState, changed = true): ModelAnswer => ({ kind: "done", changed, state: after });
type Change = Exclude<ModelRequest, { verb: "get" }>;
const set = (...addresses: string[]): Change => ({ verb: "set", backends: addresses.map(toBackend) });
const add = (...addresses: string[]): Change => ({ verb: "add", backends: addresses.map(toBackend) });
const toBackend = (address: string): { address: string } => ({ address });
const get: ModelRequest = { verb: "get" };
const START = state(1, "a");

/** An operation, by the times of its call and return. */
function op(
  calledMs: number,
  returnedMs: number,
  request: ModelRequest,
  outcome: Operation["outcome"],
): Operation {
  return { client: "c", request, outcome, calledMs, returnedMs };
}
const read = (calledMs: number, returnedMs: number, seen: ModelState): Operation =>
  op(calledMs, returnedMs, get, done(seen, false));

const isLinearizable = (...history: Operation[]): boolean => findAnomaly(history, START) === undefined;

test("operations one after the other, answered as the model answers, are in order", () => {
  const history = [
    read(0, 1, START),
    op(2, 3, add("b"), done(state(2, "a", "b"))),
    op(4, 5, add("b"), done(state(2, "a", "b"), false)),
    op(6, 7, { ...set("c"), expectedRevision: 1 }, { kind: "revision-mismatch", revision: 2 }),
    op(8, 9, { verb: "remove", addresses: ["x"] }, { kind: "not-found", address: "x" }),
    op(10, 11, { verb: "remove", addresses: ["a"], expectedRevision: 2 }, done(state(3, "b"))),
    read(12, 13, state(3, "b")),
  ];
  assert.equal(isLinearizable(...history), true);
});

test("a set has each address once, with its weights added; an add keeps what is not named", () => {
  const request: ModelRequest = {
    verb: "set",
    backends: [{ address: "a", weight: 2 }, { address: "b" }, { address: "a" }],
  };
  const after = {
    revision: 2,
    backends: [
      { address: "a", weight: 3 },
      { address: "b", weight: 1 },
    ],
  };
  assert.deepEqual(answerOf(START, request).next, after);
  assert.equal(answerOf(after, add("a")).next, after);
});

test("concurrent operations may come in either order, but only in one of them", () => {
  const [b, c] = [
    op(0, 10, add("b"), done(state(2, "a", "b"))),
    op(0, 10, add("c"), done(state(2, "a", "c"))),
  ];
  const both = op(0, 10, add("c"), done(state(3, "a", "b", "c")));
  assert.equal(isLinearizable(b, both), true);
  assert.equal(isLinearizable(both, b), true);
  assert.equal(isLinearizable(b, both, read(0, 10, state(2, "a", "b"))), true);
  assert.equal(isLinearizable(b, c), false);
  assert.equal(isLinearizable(b, both, read(0, 10, state(2, "a", "c"))), false);
});

test("a stale read is found: what was answered before it was called is not in it", () => {
  const change = op(0, 2, add("b"), done(state(2, "a", "b")));
  assert.equal(isLinearizable(change, read(1, 3, START)), true);
  assert.equal(isLinearizable(change, read(3, 4, START)), false);
  const [late, early] = [read(5, 6, state(2, "a", "b")), read(7, 8, START)];
  // Not even while the change is under way, once someone has seen it.
  assert.equal(isLinearizable(op(0, 9, add("b"), done(state(2, "a", "b"))), late, early), false);
});

test("a lost update is found: two changes of the same revision, or one that the next does not have", () => {
  const condition = { expectedRevision: 1 };
  const [b, c] = [
    op(0, 5, { ...add("b"), ...condition }, done(state(2, "a", "b"))),
    op(0, 5, { ...add("c"), ...condition }, done(state(2, "a", "c"))),
  ];
  assert.equal(isLinearizable(b, c), false);
  assert.equal(isLinearizable(b, op(6, 7, add("c"), done(state(3, "a", "c")))), false);
});

test("a change that is carried out twice is found", () => {
  const change = op(0, 1, add("b"), done(state(2, "a", "b")));
  const undone = op(2, 3, set("a"), done(state(3, "a")));
  assert.equal(isLinearizable(change, undone, read(4, 5, state(4, "a", "b"))), false);
  const unknown = op(0, 1, add("b"), { kind: "unknown" });
  assert.equal(isLinearizable(unknown, undone, read(4, 5, state(4, "a", "b"))), false);
});

test("a revision that is used again, or left out, is found", () => {
  const change = op(0, 1, add("b"), done(state(2, "a", "b")));
  assert.equal(isLinearizable(change, op(2, 3, add("c"), done(state(2, "a", "b", "c")))), false);
  assert.equal(isLinearizable(change, op(2, 3, add("c"), done(state(4, "a", "b", "c")))), false);
  assert.equal(isLinearizable(change, read(2, 3, state(1, "a", "b"))), false);
});

test("wrong refusals are found", () => {
  const stale = { ...add("b"), expectedRevision: 1 };
  assert.equal(isLinearizable(op(0, 1, stale, { kind: "revision-mismatch", revision: 1 })), false);
  assert.equal(isLinearizable(op(0, 1, stale, { kind: "revision-mismatch", revision: 2 })), false);
  const remove: ModelRequest = { verb: "remove", addresses: ["a"] };
  assert.equal(isLinearizable(op(0, 1, remove, { kind: "not-found", address: "a" })), false);
  assert.equal(isLinearizable(op(0, 1, add("a"), done(START))), false);
});

test("a change of unknown outcome may come at any later time or never, but not before its call", () => {
  const unknown = op(2, 3, add("b"), { kind: "unknown" });
  assert.equal(isLinearizable(unknown), true);
  assert.equal(isLinearizable(unknown, read(4, 5, START), read(6, 7, state(2, "a", "b"))), true);
  assert.equal(isLinearizable(unknown, read(4, 5, START), read(90, 91, START)), true);
  assert.equal(isLinearizable(read(0, 1, state(2, "a", "b")), unknown), false);
  assert.equal(isLinearizable(unknown, read(4, 5, state(2, "a", "b")), read(6, 7, START)), false);
});

test("what was refused had no effect", () => {
  const refused = op(0, 1, add("b"), { kind: "refused" });
  assert.equal(isLinearizable(refused, read(2, 3, START)), true);
  assert.equal(isLinearizable(refused, read(2, 3, state(2, "a", "b"))), false);
});

test("says how far an order goes, and what does not fit", () => {
  const anomaly = findAnomaly([op(0, 1, add("b"), done(state(2, "a", "b"))), read(2, 3, START)], START) ?? "";
  assert.match(anomaly, /1 of 2 operations have an order, to revision 2 \[a b\]/);
  assert.match(anomaly, /c, 2\.0 to 3\.0 ms: \{"verb":"get"\} -> done, false revision 1 \[a\]/);
});

/**
 * Recorded by e2e/fleet-faults.test.ts with a bug planted in the proxy: changes that are stored whatever the list is by
 * then, and answers without asking the store first. Of each the beginning, up to the operation that shows it.
 */
for (const bug of ["without-guard", "without-catching-up"]) {
  test(`a history recorded ${bug.replaceAll("-", " ")} is not in order, for its last operation`, () => {
    const text = readFileSync(`${root}test/recordings/${bug}.json`, "utf8");
    const { start, history } = JSON.parse(text) as { start: ModelState; history: Operation[] };
    assert.notEqual(findAnomaly(history, start), undefined);
    const last = history.pop() ?? assert.fail();
    assert.equal(findAnomaly([...history, { ...last, outcome: { kind: "unknown" } }], start), undefined);
  });
}

const address = fc.constantFrom("a", "b", "c", "d");
const backend = fc.record({ address, weight: fc.constantFrom(1, 2) }, { requiredKeys: ["address"] });
const backends = fc.array(backend, { minLength: 1, maxLength: 3 });
const expected = fc.option(fc.nat(3), { nil: undefined, freq: 3 });
const request: fc.Arbitrary<ModelRequest> = fc.oneof(
  fc.constant(get),
  fc.tuple(fc.constantFrom("set" as const, "add" as const), backends, expected).map(([verb, list, back]) => {
    return { verb, backends: list, ...(back !== undefined && { expectedRevision: back }) };
  }),
  fc.tuple(fc.array(address, { minLength: 1, maxLength: 2 }), expected).map(([addresses, back]) => {
    return { verb: "remove" as const, addresses, ...(back !== undefined && { expectedRevision: back }) };
  }),
);
/** A request, how much earlier it is called and later it returns than it has effect, and whether the answer is lost. */
const step = fc.record({
  request,
  before: fc.nat(25),
  after: fc.nat(25),
  fate: fc.constantFrom("answered", "answered", "answered", "answered", "answer lost", "lost", "refused"),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Expected revisions are relative, so that some of them are right. */
function relative(asked: ModelRequest, revision: number): ModelRequest {
  if (asked.verb === "get" || asked.expectedRevision === undefined) return asked;
  return { ...asked, expectedRevision: revision - asked.expectedRevision };
}

/** What clients see if the requests have effect one after the other, each at a time of its own. */
function runInOrder(steps: readonly Step[]): { history: Operation[]; last: ModelState } {
  let present = START;
  const history = steps.map(({ request: asked, before, after, fate }, index) => {
    const its = relative(asked, present.revision);
    const { answer, next } = answerOf(present, its);
    const hasEffect = fate === "answered" || fate === "answer lost";
    if (hasEffect) present = next;
    const at = index * 10;
    const outcome: Operation["outcome"] =
      fate === "answered" ? answer : fate === "refused" ? { kind: "refused" } : { kind: "unknown" };
    return op(at - before, at + after, its, outcome);
  });
  return { history, last: present };
}

test("any history of a run in order, seen by clients that overlap and lose answers, is in order", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      assert.equal(findAnomaly(runInOrder(steps).history, START), undefined);
    }),
    { numRuns: 500 },
  );
});

test("the same with a read of a revision that never was, or of the past, is never in order", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.boolean(), (steps, isPast) => {
      const { history, last } = runInOrder(steps.map((each) => ({ ...each, fate: "answered" })));
      fc.pre(!isPast || last.revision > 1);
      const wrong = isPast ? START : { ...last, revision: last.revision + 1 };
      const atMs = steps.length * 10 + 100;
      assert.notEqual(findAnomaly([...history, read(atMs, atMs + 1, wrong)], START), undefined);
    }),
    { numRuns: 300 },
  );
});

test("a long history is soon judged", { timeout: 20_000 }, () => {
  const steps = Array.from({ length: 10_000 }, (_, index): Step => {
    const asked = index % 3 === 0 ? { ...set("a", `b${index}`), expectedRevision: 0 } : get;
    const fate = index % 500 === 1 ? "lost" : index % 500 === 3 ? "answer lost" : "answered";
    return { request: asked, before: 40, after: 40, fate };
  });
  assert.equal(findAnomaly(runInOrder(steps).history, START), undefined);
});
