import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBackends, setBackends, type BackendList } from "./backend-list.js";
import { listToRollBackTo, MAX_HISTORY, recordChange, type ChangeVerb, type History } from "./history.js";
import { ledgerSince, NO_LEDGER } from "./ledger.js";

const list = (...addresses: string[]): BackendList =>
  addresses.length === 0 ? [] : setBackends([], parseBackends(addresses.map((address) => ({ address }))));
const [A, B, MIXED] = [list("a:1"), list("b:1"), list("a:1", "b:1")];

function historyOf(...steps: readonly (readonly [ChangeVerb, BackendList])[]): History {
  return steps.reduce<History>(
    (history, [verb, after], i) =>
      recordChange(
        history,
        { revision: i + 1, atUnixMs: i, verb, actor: "me", from: "", list: after },
        NO_LEDGER,
      ),
    [],
  );
}

test("a change closes the ledger of the revision before it", () => {
  const ledger = { ...NO_LEDGER, connectFailed: 3 };
  const before = historyOf(["start", A]);
  const [entry] = before;
  assert.ok(entry);
  const [first, second] = recordChange(before, { ...entry, revision: 2 }, ledger);
  assert.equal(first?.ledger?.connectFailed, 3);
  assert.equal(second?.ledger, undefined);
});

test("only so many are kept, the latest", () => {
  const history = historyOf(...Array.from({ length: MAX_HISTORY + 5 }, () => ["set", A] as const));
  assert.equal(history.length, MAX_HISTORY);
  assert.equal(history.at(-1)?.revision, MAX_HISTORY + 5);
});

test("rolling back goes to the last other list, over a canary's", () => {
  assert.equal(listToRollBackTo(historyOf(["start", A], ["set", B]), B, undefined), A);
  assert.equal(listToRollBackTo(historyOf(["start", A], ["canary", MIXED], ["deploy", B]), B, undefined), A);
  assert.equal(listToRollBackTo(historyOf(["start", A], ["set", B], ["set", B]), B, undefined), A);
});

test("rolling back to a revision takes its list, also a canary's", () => {
  const history = historyOf(["start", A], ["canary", MIXED], ["deploy", B]);
  assert.equal(listToRollBackTo(history, B, 2), MIXED);
});

test("what is not there, or was empty, can't be rolled back to", () => {
  const history = historyOf(["start", A], ["remove", []]);
  for (const revision of [0, 2, 3])
    assert.throws(() => listToRollBackTo(history, A, revision), { code: "REVISION_NOT_FOUND" });
  assert.throws(() => listToRollBackTo(historyOf(["start", A]), A, undefined), {
    code: "REVISION_NOT_FOUND",
  });
});

test("what was added to a ledger is the difference of each number", () => {
  const now = {
    ends: { client: 11, backend: 12, drain: 13, idle: 14, shutdown: 15 },
    leftEarly: 16,
    connectFailed: 17,
    holdExpired: 18,
    refusedByLimit: 19,
  };
  const before = {
    ends: { client: 1, backend: 1, drain: 1, idle: 1, shutdown: 1 },
    leftEarly: 1,
    connectFailed: 1,
    holdExpired: 1,
    refusedByLimit: 1,
  };
  assert.deepEqual(ledgerSince(before, now), {
    ends: { client: 10, backend: 11, drain: 12, idle: 13, shutdown: 14 },
    leftEarly: 15,
    connectFailed: 16,
    holdExpired: 17,
    refusedByLimit: 18,
  });
});
