import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { ConnectionEnds, Engine, Listener } from "../engine.js";
import { startFull } from "./full-peer.js";
import { aborted, openClient, readToEnd, startNamed, startSilent } from "./peers.js";
import { inTurn, startRig, until, portOf } from "./rig.js";

const NONE: ConnectionEnds = { client: 0, backend: 0, drain: 0, idle: 0, shutdown: 0 };

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

/** How connections end, and how that is counted. */
export function endingSuite(createEngine: (maxConnections?: number) => Engine): void {
  const startOpen = async (t: TestContext, count: number) => {
    const silent = await startSilent(t, "old");
    const rig = await startRig(t, createEngine(), inTurn(silent));
    const clients = [];
    for (let i = 0; i < count; i++) {
      clients.push(await openClient(t, rig.port));
      await until(() => silent.sockets.length === i + 1);
    }
    await until(() => rig.listener.counters("old").totalConnections === count);
    return { ...rig, silent, clients };
  };
  const over = (listener: Listener): Promise<void> => until(() => listener.totals().openConnections === 0);

  test("the side that ends first is counted as the cause", async (t) => {
    const { listener, silent, clients } = await startOpen(t, 4);
    const [a, b, c, d] = clients;
    assert.ok(a && b && c && d);
    a.end();
    await readToEnd(silent.sockets[0] ?? a);
    silent.sockets[0]?.end();
    silent.sockets[1]?.end();
    await readToEnd(b);
    b.end();
    c.resetAndDestroy();
    silent.sockets[3]?.resetAndDestroy();
    await over(listener);
    assert.deepEqual(listener.counters("old").ends, { ...NONE, client: 2, backend: 2 });
    assert.deepEqual(listener.totals().ends, { ...NONE, client: 2, backend: 2 });
  });

  test("a client that aborts before its backend is connected is never a clean end there", async (t) => {
    const silent = await startSilent(t, "hasty");
    const { listener, port } = await startRig(t, createEngine(), inTurn(silent));
    for (let i = 0; i < 50; i++) {
      const client = await openClient(t, port);
      client.write("x");
      client.resetAndDestroy();
    }
    await until(
      () => listener.totals().acceptedConnections === 50 && listener.totals().openConnections === 0,
    );
    const endings = await Promise.all(silent.sockets.map((socket) => readToEnd(socket)));
    assert.deepEqual(
      endings.filter((ending) => !ending.aborted),
      [],
    );
  });

  test("how long connecting took, and how long connections lived, is counted by time", async (t) => {
    const { listener, clients } = await startOpen(t, 2);
    const { boundsS, counts, sumS } = listener.counters("old").connectTimes;
    assert.equal(counts.length, boundsS.length + 1);
    assert.equal(sum(counts), 2);
    assert.ok(sumS > 0 && sumS < 2 * 2, `${sumS}`);
    assert.equal(sum(listener.counters("old").lifeTimes.counts), 0);
    const [short, long] = clients;
    short?.resetAndDestroy();
    await until(() => sum(listener.counters("old").lifeTimes.counts) === 1);
    const since = performance.now();
    await until(() => performance.now() - since > 1_100);
    long?.resetAndDestroy();
    await over(listener);
    const { lifeTimes } = listener.counters("old");
    const beyondOneSecond = lifeTimes.counts.filter((_, i) => (lifeTimes.boundsS[i - 1] ?? 0) >= 1);
    assert.equal(sum(beyondOneSecond), 1);
    assert.equal(sum(lifeTimes.counts), 2);
    assert.ok(lifeTimes.sumS > 1 && lifeTimes.sumS < 20, `${lifeTimes.sumS}`);
  });

  test("cut resets the connections of one target, the oldest first, and no more than it is told to", async (t) => {
    const { listener, silent, clients } = await startOpen(t, 3);
    const other = await startSilent(t, "other");
    await listener.apply(inTurn(other));
    const unharmed = await openClient(t, portOf(listener));
    await other.next();
    const [first, second, third] = clients;
    assert.ok(first && second && third);
    const bothSides = [aborted(t, first), aborted(t, silent.sockets[0] ?? first)];
    assert.equal(listener.cut("old", 1), 1);
    await Promise.all(bothSides);
    assert.equal(listener.counters("old").activeConnections, 2);
    const rest = [aborted(t, second), aborted(t, third)];
    assert.equal(listener.cut("old"), 2);
    await Promise.all(rest);
    assert.equal(listener.cut("old"), 0);
    assert.deepEqual(listener.totals().ends, { ...NONE, drain: 3 });
    assert.equal(listener.counters("other").activeConnections, 1);
    assert.equal(unharmed.destroyed, false);
  });

  test("the last counters of a target that was drained are reported", async (t) => {
    const { listener, event, clients } = await startOpen(t, 2);
    await listener.apply(inTurn());
    clients[0]?.resetAndDestroy();
    await until(() => listener.counters("old").activeConnections === 1);
    listener.cut("old");
    const drained = await event(({ type }) => type === "drained");
    assert.ok(drained.type === "drained");
    assert.deepEqual(drained.counters.ends, { ...NONE, client: 1, drain: 1 });
    assert.equal(drained.counters.totalConnections, 2);
  });

  test("connections that end while a table is being adopted are in the last counters, too", async (t) => {
    for (let round = 0; round < 10; round++) {
      const { listener, event } = await startOpen(t, 6);
      const applied = listener.apply(inTurn());
      await until(() => listener.closeIdle("old", 0) + listener.counters("old").ends.idle > 0);
      const drained = await event(({ type }) => type === "drained");
      await applied;
      assert.ok(drained.type === "drained");
      assert.deepEqual(drained.counters.ends, { ...NONE, idle: 6 });
    }
  });

  test("cut sends a connection that is still being connected to another target", async (t) => {
    const full = await startFull(t);
    const works = await startNamed(t, "works");
    const { ask, listener } = await startRig(t, createEngine(), inTurn(full), { connectTimeoutMs: 60_000 });
    const answer = ask();
    await until(() => listener.counters("full").activeConnections === 1);
    // Still a target, and the only one with a turn, so that the change of the table itself moves nobody.
    await listener.apply({ ...inTurn(full, works), sequence: [0] });
    assert.equal(listener.cut("full"), 1);
    assert.equal(await answer, "works");
    assert.deepEqual(listener.totals().ends, NONE);
    assert.equal(listener.counters("works").totalConnections, 1);
  });

  test("closeIdle ends silent connections cleanly on both sides, and leaves those that talk", async (t) => {
    const { listener, silent, clients } = await startOpen(t, 2);
    const [quiet, busy] = clients;
    assert.ok(quiet && busy);
    const ended = [readToEnd(quiet), readToEnd(silent.sockets[0] ?? quiet)];
    // How long it has been silent is asked again and again, while the other one talks.
    await until(() => {
      busy.write(".");
      return listener.closeIdle("old", 200) > 0;
    });
    for (const { aborted: wasAborted } of await Promise.all(ended)) assert.equal(wasAborted, false);
    assert.deepEqual(listener.counters("old").ends, { ...NONE, idle: 1 });
    assert.equal(listener.counters("old").activeConnections, 1);
  });

  test("the oldest connection of a target is known", async (t) => {
    const { listener, clients } = await startOpen(t, 2);
    const oldest = listener.oldestConnection("old");
    assert.ok(oldest !== undefined && Math.abs(Date.now() - oldest) < 60_000);
    clients[0]?.resetAndDestroy();
    await until(() => listener.counters("old").activeConnections === 1);
    assert.ok((listener.oldestConnection("old") ?? 0) >= oldest);
    listener.cut("old");
    assert.equal(listener.oldestConnection("old"), undefined);
  });

  test("what is open when the grace is over counts as cut by the shutdown", async (t) => {
    const { listener } = await startOpen(t, 2);
    assert.deepEqual(await listener.close(1), { ended: 0, cut: 2 });
    assert.deepEqual(listener.totals().ends, { ...NONE, shutdown: 2 });
  });

  test("every accepted connection is open or counted once", async (t) => {
    const { listener, clients, ask } = await startOpen(t, 3);
    clients[0]?.resetAndDestroy();
    await until(() => listener.totals().openConnections === 2);
    await listener.apply(inTurn());
    assert.equal(await ask(), "reset");
    listener.pause({ holdMs: 20, maxHeld: 5 });
    assert.equal(await ask(), "reset");
    const totals = listener.totals();
    const ended = Object.values(totals.ends).reduce((sum, count) => sum + count, 0);
    const { leftEarly, connectFailed, holdExpired, refusedByLimit } = totals;
    const accounted =
      totals.openConnections + ended + leftEarly + connectFailed + holdExpired + refusedByLimit;
    assert.equal(accounted, totals.acceptedConnections);
    assert.deepEqual([connectFailed, holdExpired], [1, 1]);
  });
}
