import assert from "node:assert/strict";
import { test } from "node:test";
import type { Engine, Listener } from "../engine.js";
import { deadTarget, openClient, startNamed, startSilent } from "./peers.js";
import { inTurn, startRig, until } from "./rig.js";

const LONG = { holdMs: 60_000, maxHeld: 100 };

/** Connections that wait: pause, resume, limits, targets that refuse for a while. */
export function holdingSuite(createEngine: (maxConnections?: number) => Engine): void {
  const held = (listener: Listener, count: number): Promise<void> =>
    until(() => listener.totals().heldConnections === count);

  test("a pause holds new connections and leaves open ones alone; resume lets them go in order", async (t) => {
    const silent = await startSilent(t);
    const { listener, port } = await startRig(t, createEngine(), inTurn(silent));
    const before = await openClient(t, port);
    const server = await silent.next();
    listener.pause(LONG);
    const first = await openClient(t, port);
    await held(listener, 1);
    const second = await openClient(t, port);
    await held(listener, 2);
    server.write("still here");
    assert.equal(String(await new Promise((resolve) => before.once("data", resolve))), "still here");
    listener.resume(0);
    first.write("1");
    const one = await silent.next();
    assert.equal(String(await new Promise((resolve) => one.once("data", resolve).resume())), "1");
    second.write("2");
    const two = await silent.next();
    assert.equal(String(await new Promise((resolve) => two.once("data", resolve).resume())), "2");
    assert.equal(listener.totals().heldConnections, 0);
  });

  test("a table that is applied during a pause lets nobody go", async (t) => {
    const a = await startNamed(t, "a");
    const { ask, listener } = await startRig(t, createEngine(), inTurn(a));
    listener.pause(LONG);
    const answer = ask();
    await held(listener, 1);
    await listener.apply(inTurn(a));
    assert.equal(listener.totals().heldConnections, 1);
    listener.resume(1_000);
    assert.equal(await answer, "a");
  });

  test("what is held too long, or is one too many, is reset and counted by cause", async (t) => {
    const a = await startNamed(t, "a");
    const { ask, listener, event } = await startRig(t, createEngine(), inTurn(a));
    listener.pause({ holdMs: 60_000, maxHeld: 1 });
    const kept = ask();
    await held(listener, 1);
    assert.equal(await ask(), "reset");
    await event((reported) => reported.type === "refused" && reported.reason === "hold-limit");
    listener.pause({ holdMs: 30, maxHeld: 10 });
    assert.equal(await ask(), "reset");
    await event((reported) => reported.type === "refused" && reported.reason === "hold-expired");
    assert.deepEqual([listener.totals().refusedByLimit, listener.totals().holdExpired], [1, 1]);
    listener.resume(0);
    assert.equal(await kept, "a");
  });

  test("held connections are let go at the pace that resume is given", async (t) => {
    const a = await startNamed(t, "a");
    const { ask, listener } = await startRig(t, createEngine(), inTurn(a));
    listener.pause(LONG);
    const answers = Array.from({ length: 12 }, ask);
    await held(listener, 12);
    const startedMs = performance.now();
    listener.resume(50);
    await Promise.all(answers);
    // Twelve at fifty a second are due after 220 ms.
    assert.ok(performance.now() - startedMs > 150);
  });

  test("a pause stops a resume that is under way", async (t) => {
    const a = await startNamed(t, "a");
    const { ask, listener } = await startRig(t, createEngine(), inTurn(a));
    listener.pause(LONG);
    const answers = Array.from({ length: 5 }, ask);
    await held(listener, 5);
    listener.resume(1);
    listener.pause(LONG);
    assert.equal(listener.totals().heldConnections, 5);
    listener.resume(0);
    assert.deepEqual(await Promise.all(answers), ["a", "a", "a", "a", "a"]);
  });

  test("a client that leaves while it is held is forgotten, and counted as one that left", async (t) => {
    const silent = await startSilent(t);
    const { listener, port } = await startRig(t, createEngine(), inTurn(silent));
    listener.pause(LONG);
    const client = await openClient(t, port);
    await held(listener, 1);
    client.resetAndDestroy();
    await held(listener, 0);
    assert.equal(listener.totals().leftEarly, 1);
    assert.equal(listener.totals().openConnections, 0);
  });

  test("with a hold time, a target that refuses is tried again until it is there: a restart is only a delay", async (t) => {
    const dead = await deadTarget(t, "x");
    const { ask, listener } = await startRig(t, createEngine(), { ...inTurn(dead), holdMs: 60_000 });
    const answers = [ask(), ask(), ask()];
    await held(listener, 3);
    await startNamed(t, "x", dead.endpoints[0]);
    assert.deepEqual(await Promise.all(answers), ["x", "x", "x"]);
    assert.equal(listener.totals().connectFailed, 0);
  });

  test("while paused, a connection whose target refuses waits instead of failing", async (t) => {
    const dead = await deadTarget(t, "x");
    const { ask, listener } = await startRig(t, createEngine(), inTurn(dead));
    const answer = ask();
    listener.pause(LONG);
    await held(listener, 1);
    const back = await startNamed(t, "x", dead.endpoints[0]);
    await listener.apply(inTurn(back));
    listener.resume(0);
    assert.equal(await answer, "x");
  });
}
