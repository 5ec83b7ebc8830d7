import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeEngine } from "../control/testing/fake-engine.js";
import type { EngineEvent, Listener, RoutingTable } from "../engine/engine.js";
import { noEnds } from "../engine/ends.js";
import { noRefusals } from "../engine/refusals.js";
import { RIG_SETTINGS } from "../engine/testing/rig.js";
import { NO_COUNTERS } from "../engine/no-counters.js";
import { joinEngine } from "./joint-listener.js";
import type { ListenerReport } from "./messages.js";
import { RemoteListener, type Order } from "./remote-listener.js";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";

const TOTALS: ListenerReport["totals"] = {
  openConnections: 0,
  heldConnections: 0,
  acceptedConnections: 10,
  ends: noEnds(),
  leftEarly: 0,
  connectFailed: 0,
  holdExpired: 0,
  refusedByLimit: 0,
  refusals: noRefusals(),
};

/** So many connections open there, of all that were; the rest has ended by the client. */
function report(open: Readonly<Record<string, number>>, total = 5): ListenerReport {
  const targets = Object.entries(open).map(([id, activeConnections]) => {
    const ends = { ...noEnds(), client: total - activeConnections };
    const counters = { ...NO_COUNTERS, activeConnections, totalConnections: total, ends };
    return [id, { counters, ...(activeConnections > 0 && { oldest: 1 }) }] as const;
  });
  const openConnections = Object.values(open).reduce((sum, each) => sum + each, 0);
  return { totals: { ...TOTALS, openConnections }, targets: Object.fromEntries(targets) };
}

const tableOf = (...ids: string[]): RoutingTable => ({
  targets: ids.map((id) => ({ id, weight: 1, endpoints: [] })),
  sequence: ids.map((_, index) => index),
  choice: "turn",
  holdMs: 0,
});

interface Joint {
  readonly listener: Listener;
  readonly own: FakeEngine;
  readonly remote: RemoteListener;
  readonly orders: readonly Order[];
  readonly drained: () => readonly string[];
  readonly events: readonly EngineEvent[];
}

async function join(before: ListenerReport): Promise<Joint> {
  const [own, orders, events]: [FakeEngine, Order[], EngineEvent[]] = [new FakeEngine(), [], []];
  const remote = new RemoteListener(before, (order) => orders.push(order));
  const listener = await joinEngine(own, remote).listen({
    ...RIG_SETTINGS,
    addresses: [],
    maxHeld: 1,
    report: (event) => events.push(event),
  });
  const drained = (): string[] => events.flatMap((event) => (event.type === "drained" ? [event.target] : []));
  return { listener, own, remote, orders, drained, events };
}

test("up to the hand-over nothing is ordered; then what is applied is waited for", async () => {
  const { listener, remote, orders } = await join(report({ [A]: 1 }));
  listener.pause({ holdMs: 1, maxHeld: 1 });
  await listener.apply(tableOf(A));
  assert.deepEqual(orders, []);
  remote.takeCharge();
  let isApplied = false;
  const applied = listener.apply(tableOf(B)).then(() => (isApplied = true));
  await new Promise(setImmediate);
  assert.equal(isApplied, false);
  assert.deepEqual(orders, [{ do: "apply", id: 1, table: tableOf(B) }]);
  remote.applied(1);
  await applied;
});

test("what is counted is added up, and stays when the other process is gone", async () => {
  const { listener, own, remote } = await join(report({ [A]: 2 }));
  remote.takeCharge();
  own.open(A, 3);
  assert.deepEqual([listener.counters(A).activeConnections, listener.counters(A).totalConnections], [5, 8]);
  assert.deepEqual([listener.totals().openConnections, listener.totals().acceptedConnections], [2, 10]);
  assert.equal(listener.oldestConnection(A), 1);
  remote.lose();
  assert.deepEqual([listener.counters(A).activeConnections, listener.counters(A).totalConnections], [3, 8]);
  assert.equal(listener.totals().openConnections, 0);
});

test("a target is drained when it is empty in both, whichever is the last, with all that was counted", async () => {
  for (const last of ["own", "other"]) {
    const { listener, own, remote, drained, events } = await join(report({ [A]: 2 }));
    remote.takeCharge();
    const applied = listener.apply(tableOf(B));
    remote.applied(1);
    await applied;
    own.open(A, 1);
    const endOwn = (): unknown => own.end(A, "client");
    const endOther = (): unknown => remote.update(report({ [A]: 0 }));
    const [first, second] = last === "own" ? [endOther, endOwn] : [endOwn, endOther];
    first();
    assert.deepEqual(drained(), [], last);
    assert.equal(listener.counters(A).activeConnections, last === "own" ? 1 : 2);
    second();
    assert.deepEqual(drained(), [A], last);
    const event = events.at(-1);
    assert.ok(event?.type === "drained");
    assert.deepEqual([event.counters.totalConnections, event.counters.ends.client], [6, 6]);
  }
});

test("a cut takes those of the other process first, which are the older ones", async () => {
  const { listener, own, remote, orders } = await join(report({ [A]: 2 }));
  remote.takeCharge();
  own.open(A, 5);
  assert.equal(listener.cut(A, 1), 1);
  assert.equal(listener.cut(A, 4), 4);
  assert.deepEqual(orders, [
    { do: "cut", target: A, atMost: 1 },
    { do: "cut", target: A, atMost: 2 },
  ]);
  assert.equal(own.end(A, "client"), 3);
});

test("it is closed when both are, and a process that has not handed over is not waited for", async () => {
  const early = await join(report({ [A]: 2 }));
  await early.listener.close(0);
  const { listener, remote, orders } = await join(report({ [A]: 2 }));
  remote.takeCharge();
  let isClosed = false;
  const closed = listener.close(5).then(() => (isClosed = true));
  await new Promise(setImmediate);
  assert.deepEqual([isClosed, orders], [false, [{ do: "close", graceMs: 5 }]]);
  remote.update(report({ [A]: 0 }));
  await closed;
});
