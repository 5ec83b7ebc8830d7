import assert from "node:assert/strict";
import { test } from "node:test";
import { show, startService, when } from "./testing/service-fixture.js";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const C = "10.0.0.3:80";

test("a change is stored before it is in force, and one that can't be is none", async (t) => {
  const { service, engine, stored, fault } = await startService(t, [A]);
  assert.deepEqual(
    stored.at(-1)?.list.map(({ id }) => id),
    [A],
  );
  await service.add([{ address: B }], { actor: "me" });
  assert.deepEqual(
    stored.at(-1)?.list.map(({ id }) => id),
    [A, B],
  );
  assert.equal(stored.at(-1)?.history.at(-1)?.actor, "me");
  fault.error = new Error("full");
  const tables = engine.tables.length;
  await assert.rejects(service.add([{ address: C }]), /full/);
  await assert.rejects(service.pause({}), /full/);
  await assert.rejects(service.setHealthCheck({ kind: { type: "tcp" } }), /full/);
  assert.equal(engine.tables.length, tables);
  assert.deepEqual([service.state().revision, show(service.state()).length], [2, 2]);
  assert.deepEqual([service.state().pause, service.state().healthCheck], [undefined, undefined]);
  fault.error = undefined;
  assert.equal((await service.add([{ address: C }])).state.revision, 3);
});

test("what changes nothing is not stored", async (t) => {
  const { service, stored } = await startService(t, [A]);
  const count = stored.length;
  await service.set([{ address: A }]);
  await service.add([{ address: A }]);
  await service.resume();
  await service.setHealthCheck(undefined);
  await service.rollback(1);
  assert.equal(stored.length, count);
});

test("a stored service goes on: revision, history, pause; its sequences are above all that were sent", async (t) => {
  const before = await startService(t, [A]);
  await before.service.set([{ address: B }]);
  await before.service.pause({ holdLimitMs: 5, maxHeld: 6 });
  const record = before.stored.at(-1);
  assert.ok(record);
  const { service, engine } = await startService(t, { ...record, sequenceBase: 1_000 });
  const { revision, sequence, instanceId, pause } = service.state();
  assert.deepEqual([revision, instanceId, pause?.maxHeld], [2, "one", 6]);
  assert.ok(sequence > 1_000);
  assert.deepEqual(engine.holds.at(-1), { holdMs: 5, maxHeld: 6 });
  assert.equal((await service.rollback(undefined)).state.backends[0]?.address, A);
});

test("a drain that was under way when the process ended is known to have been cut", async (t) => {
  const before = await startService(t, [A, B]);
  before.engine.open(A, 3);
  await before.service.remove([A]);
  const record = before.stored.at(-1);
  assert.ok(record);
  const { service } = await startService(t, record);
  service.watchDrains([A], ([drain]) => {
    assert.deepEqual([drain?.state.phase, drain?.now.ends.shutdown], ["ended", 3]);
    return true;
  });
  assert.deepEqual(show(service.state()), [`${B} active`]);
});

test("pause and resume reach the engine once, and are shown", async (t) => {
  const { service, engine } = await startService(t, [A]);
  assert.equal((await service.pause({})).state.pause?.holdLimitMs, 30_000);
  assert.equal((await service.pause({})).changed, false);
  assert.equal((await service.pause({ maxHeld: 5 })).changed, true);
  await assert.rejects(service.pause({ maxHeld: 0 }), { code: "INVALID_ARGUMENT" });
  const { state, changed } = await service.resume(7);
  assert.deepEqual([state.pause, changed], [undefined, true]);
  assert.equal((await service.resume(7)).changed, false);
  assert.deepEqual(engine.holds.slice(-2), [{ holdMs: 30_000, maxHeld: 5 }, { pace: 7 }]);
});

test("weights are changed only of what is listed", async (t) => {
  const { service, engine } = await startService(t, [A, B]);
  await service.weigh([{ address: A, weight: 2 }]);
  assert.deepEqual(engine.order, [A, B, A]);
  await assert.rejects(service.weigh([{ address: C, weight: 2 }]), { code: "BACKEND_NOT_FOUND" });
  await assert.rejects(service.weigh([{ address: A }]), { code: "INVALID_ARGUMENT" });
});

test("a drain is taken back with the weight it had", async (t) => {
  const { service, engine } = await startService(t, [A, B]);
  await service.weigh([{ address: A, weight: 3 }]);
  engine.open(A, 1);
  await service.remove([A]);
  const { state } = await service.undrain([A]);
  assert.deepEqual([state.backends[1]?.address, state.backends[1]?.weight], [A, 3]);
  await assert.rejects(service.undrain([A]), { code: "DRAIN_NOT_FOUND" });
  await assert.rejects(service.undrain([C]), { code: "DRAIN_NOT_FOUND" });
});

test("a removal with a limit cuts, and whoever waits is told how it ended", async (t) => {
  const { service, engine } = await startService(t, [A, B]);
  engine.open(A, 3);
  await service.remove([A], { drain: { limitMs: 15, spreadMs: 0 } });
  const outcomes: string[] = [];
  await new Promise<void>((resolve) => {
    service.watchDrains([A], ([drain]) => {
      const { state } = drain ?? {};
      outcomes.push(state?.phase === "ended" ? state.outcome : (state?.phase ?? ""));
      if (state?.phase === "ended") resolve();
      return true;
    });
  });
  assert.deepEqual([outcomes[0], outcomes.at(-1)], ["open", "cut"]);
  assert.equal(service.state().ledger.ends.drain, 0); // forgotten with the fake's target
  service.watchDrains([A], ([drain]) => {
    assert.equal(drain?.state.phase, "ended");
    return true;
  });
  assert.throws(() => service.watchDrains([C], () => true), { code: "DRAIN_NOT_FOUND" });
});

test("a drain can be extended, and cut at once", async (t) => {
  const { service, engine } = await startService(t, [A, B]);
  engine.open(A, 2);
  await service.remove([A], { drain: { limitMs: 60_000, spreadMs: 0 } });
  const { backends } = await service.changeDrain([A], { idleLimitMs: 1_000, spreadMs: 0 });
  assert.equal(backends[1]?.drain?.drain.deadlineUnixMs, undefined);
  assert.ok(engine.idleAsked.includes(1_000));
  await assert.rejects(service.changeDrain([A], { idleLimitMs: 1, spreadMs: 0 }), {
    code: "INVALID_ARGUMENT",
  });
  await assert.rejects(service.changeDrain([A, C], { limitMs: 0, spreadMs: 0 }), { code: "DRAIN_NOT_FOUND" });
  assert.equal(service.state().backends.length, 2);
  await service.changeDrain([A], { limitMs: 0, spreadMs: 0 });
  assert.deepEqual(show(service.state()), [`${B} active`]);
});

const CHECK = { kind: { type: "tcp" }, intervalMs: 100, rise: 1, fall: 1 } as const;

test("a backend whose checks fail gets no connections until they succeed", async (t) => {
  const { service, engine, sick } = await startService(t, [A, B]);
  await service.setHealthCheck(CHECK);
  sick.set(B, "crashed");
  const state = await when(service, (now) => now.backends[1]?.status === "unhealthy");
  assert.deepEqual([state.backends[1]?.error, state.backends[1]?.health?.state], ["crashed", "unhealthy"]);
  assert.equal(state.revision, 1);
  assert.deepEqual(engine.order, [A]);
  assert.deepEqual(
    engine.tables.at(-1)?.targets.map(({ id }) => id),
    [A, B],
  );
  sick.delete(B);
  await when(service, (now) => now.backends[1]?.status === "active");
  assert.deepEqual(engine.order, [A, B]);
});

test("a failed connect has the backend checked at once", async (t) => {
  const { service, engine, sick } = await startService(t, [A, B]);
  await service.setHealthCheck({ ...CHECK, intervalMs: 3_600_000 });
  await when(service, ({ backends }) => backends.every(({ health }) => health?.state === "healthy"));
  sick.set(A, "gone");
  const connection = { id: "x-1", client: undefined };
  engine.report({
    type: "connect-failed",
    connection,
    target: A,
    tried: undefined,
    code: "ECONNREFUSED",
    consecutive: 1,
  });
  await when(service, ({ backends }) => backends[0]?.status === "unhealthy");
});

test("if nothing is healthy all are tried, or clients wait if they may", async (t) => {
  const tried = await startService(t, [A, B]);
  for (const id of [A, B]) tried.sick.set(id, "gone");
  await tried.service.setHealthCheck(CHECK);
  await when(tried.service, ({ backends }) => backends.every(({ status }) => status === "unhealthy"));
  assert.deepEqual(tried.engine.order, [A, B]);
  const waiting = await startService(t, [A], { queueTimeoutMs: 1_000 });
  waiting.sick.set(A, "gone");
  await waiting.service.setHealthCheck(CHECK);
  await when(waiting.service, ({ backends }) => backends[0]?.status === "unhealthy");
  assert.deepEqual([waiting.engine.order, waiting.engine.tables.at(-1)?.holdMs], [[], 1_000]);
});

test("without checks nothing is unhealthy any more", async (t) => {
  const { service, engine, sick } = await startService(t, [A, B]);
  sick.set(B, "gone");
  await service.setHealthCheck(CHECK);
  await when(service, ({ backends }) => backends[1]?.status === "unhealthy");
  await service.setHealthCheck(undefined);
  await when(service, ({ backends }) => backends[1]?.status === "active" && backends[1].health === undefined);
  assert.deepEqual(engine.order, [A, B]);
});
