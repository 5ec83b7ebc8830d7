import assert from "node:assert/strict";
import { test } from "node:test";
import { changeDrains, endDrains, viewDrain, type Drains } from "./drains.js";

const none: Drains = new Map();
const open = (counts: Record<string, number>) => (id: string) => counts[id] ?? 0;
const leave = (...ids: string[]): { id: string; weight: number }[] => ids.map((id) => ({ id, weight: 2 }));

test("a backend that leaves with connections drains; one without is gone", () => {
  const drains = changeDrains(
    none,
    { leaving: leave("a", "b"), listed: new Set(), nowMs: 7 },
    open({ a: 3 }),
  );
  assert.deepEqual([...drains], [["a", { weight: 2, startedUnixMs: 7, connectionsAtStart: 3 }]]);
});

test("a backend that comes back does not drain any more", () => {
  const drains = changeDrains(none, { leaving: leave("a"), listed: new Set(), nowMs: 7 }, open({ a: 3 }));
  const after = changeDrains(drains, { leaving: [], listed: new Set(["a"]), nowMs: 8 }, open({ a: 3 }));
  assert.equal(after.size, 0);
});

test("a drain goes on through other changes, the longest draining first", () => {
  const first = changeDrains(none, { leaving: leave("a"), listed: new Set(["b"]), nowMs: 7 }, open({ a: 3 }));
  const second = changeDrains(
    first,
    { leaving: leave("b"), listed: new Set(), nowMs: 8 },
    open({ a: 1, b: 1 }),
  );
  assert.deepEqual([...second.keys()], ["a", "b"]);
  assert.equal(second.get("a")?.connectionsAtStart, 3);
});

test("a drain ends with its last connection", () => {
  const drains = changeDrains(none, { leaving: leave("a"), listed: new Set(), nowMs: 7 }, open({ a: 1 }));
  assert.equal(endDrains(drains, open({ a: 1 })), drains);
  assert.equal(endDrains(drains, open({})).size, 0);
});

test("the view never shows more open than at the start", () => {
  const drain = { weight: 1, startedUnixMs: 7, connectionsAtStart: 1 };
  assert.deepEqual(viewDrain(drain, 2), { startedUnixMs: 7, connectionsAtStart: 2, openConnections: 2 });
});
