import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  beginDrain,
  checkDrainLimits,
  drainDue,
  drainEnds,
  limitDrain,
  observeDrain,
  takeBackDrain,
  type Drain,
  type DrainCounts,
  type DrainLimits,
} from "./drain.js";
import { NO_LEDGER } from "./ledger.js";

const NONE = NO_LEDGER.ends;
const counts = (open: number, extra: Partial<DrainCounts> = {}): DrainCounts => ({
  open,
  bytes: 0,
  ends: NONE,
  ...extra,
});
const begin = (open: number, limits: Partial<DrainLimits> = {}): Drain =>
  beginDrain({
    id: "a:1",
    weight: 3,
    limits: { spreadMs: 0, ...limits },
    counts: counts(open),
    nowMs: 1_000,
  });

test("a backend without connections is drained at once", () => {
  assert.deepEqual(begin(0).state, { phase: "ended", endedUnixMs: 1_000, outcome: "empty" });
});

test("without a limit it stays open until the last connection has gone", () => {
  let drain = observeDrain(begin(2), counts(1), 999_999_999);
  assert.deepEqual(drain.state, { phase: "open" });
  assert.deepEqual(drainDue(drain, 999_999_999, 0.5), { cut: 0, idleLimitMs: undefined });
  drain = observeDrain(drain, counts(0, { ends: { ...NONE, client: 2 } }), 5_000);
  assert.deepEqual(drain.state, { phase: "ended", endedUnixMs: 5_000, outcome: "empty" });
});

test("after its limit it cuts everything, and says so", () => {
  let drain = observeDrain(begin(3, { limitMs: 500 }), counts(3), 1_499);
  assert.equal(drainDue(drain, 1_499, 1).cut, 0);
  drain = observeDrain(drain, counts(3), 1_500);
  assert.equal(drain.state.phase, "cutting");
  assert.equal(drainDue(drain, 1_500, 0).cut, 3);
  drain = observeDrain(drain, counts(0, { ends: { ...NONE, drain: 3 } }), 1_501);
  assert.deepEqual(drain.state, { phase: "ended", endedUnixMs: 1_501, outcome: "cut" });
  assert.deepEqual(drainEnds(drain), { ...NONE, drain: 3 });
});

test("a limit of 0 cuts at once", () => {
  const drain = observeDrain(begin(3, { limitMs: 0 }), counts(3), 1_000);
  assert.equal(drainDue(drain, 1_000, 0).cut, 3);
});

test("connections that end by themselves after the limit was set are not cut ones", () => {
  const drain = observeDrain(begin(1, { limitMs: 500 }), counts(0, { ends: { ...NONE, client: 1 } }), 2_000);
  assert.deepEqual(drain.state, { phase: "ended", endedUnixMs: 2_000, outcome: "empty" });
});

test("new limits count from now, and stop cutting that has begun", () => {
  const cutting = observeDrain(begin(2, { limitMs: 10, spreadMs: 1_000 }), counts(2), 1_010);
  assert.equal(cutting.state.phase, "cutting");
  const extended = limitDrain(cutting, { limitMs: 5_000, spreadMs: 0 }, 2_000);
  assert.deepEqual(extended.state, { phase: "open" });
  assert.equal(extended.deadlineUnixMs, 7_000);
  assert.equal(limitDrain(cutting, { spreadMs: 0 }, 2_000).deadlineUnixMs, undefined);
});

test("a backend that comes back ends its drain, in any phase", () => {
  const back = { phase: "ended", endedUnixMs: 9, outcome: "taken-back" };
  assert.deepEqual(takeBackDrain(begin(1), 9).state, back);
  const cutting = observeDrain(begin(1, { limitMs: 0 }), counts(1), 1_000);
  assert.deepEqual(takeBackDrain(cutting, 9).state, back);
});

test("nothing changes a drain that has ended", () => {
  const over = begin(0);
  assert.equal(limitDrain(over, { limitMs: 1, spreadMs: 0 }, 2), over);
  assert.equal(takeBackDrain(over, 2), over);
  assert.equal(observeDrain(over, counts(4), 2), over);
  assert.deepEqual(drainDue(over, 2, 0.5), { cut: 0, idleLimitMs: undefined });
});

test("the last byte is when more were seen than before", () => {
  let drain = observeDrain(begin(1), counts(1), 1_100);
  assert.equal(drain.lastByteUnixMs, undefined);
  drain = observeDrain(drain, counts(1, { bytes: 5 }), 1_200);
  drain = observeDrain(drain, counts(1, { bytes: 5 }), 1_300);
  assert.equal(drain.lastByteUnixMs, 1_200);
});

test("an idle limit holds from the start and while cutting", () => {
  const drain = begin(1, { idleLimitMs: 4_000, limitMs: 0, spreadMs: 100 });
  assert.equal(drainDue(drain, 1_000, 0).idleLimitMs, 4_000);
  assert.equal(drainDue(observeDrain(drain, counts(1), 1_000), 1_010, 0).idleLimitMs, 4_000);
});

test("an idle limit below what can be measured is refused", () => {
  assert.throws(() => checkDrainLimits({ idleLimitMs: 999, spreadMs: 0 }), { code: "INVALID_ARGUMENT" });
  const limits = { idleLimitMs: 1_000, spreadMs: 0 };
  assert.equal(checkDrainLimits(limits), limits);
});

test("a spread cuts a part at a time, never more than are open, and all by its end", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (open, spreadMs, randoms) => {
        let drain = observeDrain(begin(open, { limitMs: 0, spreadMs }), counts(open), 1_000);
        let cutSoFar = 0;
        randoms.forEach((random, i) => {
          const nowMs = 1_000 + (spreadMs * (i + 1)) / (randoms.length + 1);
          const { cut } = drainDue(drain, nowMs, random);
          assert.ok(cut >= 0 && cut <= open - cutSoFar);
          cutSoFar += cut;
          drain = observeDrain(drain, counts(open - cutSoFar, { ends: { ...NONE, drain: cutSoFar } }), nowMs);
        });
        assert.equal(drainDue(drain, 1_000 + spreadMs, 0).cut, open - cutSoFar);
      },
    ),
  );
  const half = observeDrain(begin(100, { limitMs: 0, spreadMs: 1_000 }), counts(100), 1_000);
  assert.equal(drainDue(half, 1_500, 0.5).cut, 50);
  assert.notEqual(drainDue(half, 1_500, 0.1).cut, drainDue(half, 1_500, 0.9).cut);
});
