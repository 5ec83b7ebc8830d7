import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineEvent } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import type { Balancing } from "./balancing.js";
import { DEFAULT_SETTINGS } from "./service-settings.js";
import { show, startService as start, when } from "./testing/service-fixture.js";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const C = "10.0.0.3:80";
const refuses =
  (code: string, details: object = {}) =>
  (error: unknown) => {
    assert.ok(error instanceof ProxyError);
    assert.equal(error.code, code);
    for (const [key, value] of Object.entries(details)) assert.equal(error.details[key], value);
    return true;
  };

test("it starts with the list that it was given, at revision 1", async (t) => {
  const { service, engine } = await start(t, [A, B]);
  assert.deepEqual(engine.order, [A, B]);
  assert.equal(engine.tables[0]?.carry, undefined);
  const { revision, sequence, listenAddresses } = service.state();
  assert.deepEqual(
    { revision, sequence, listenAddresses },
    { revision: 1, sequence: 1, listenAddresses: ["127.0.0.1:8080"] },
  );
});

test("a change is answered only after the engine has acknowledged the table", async (t) => {
  const { service, engine } = await start(t, [A]);
  let acknowledge = (): void => undefined;
  engine.acknowledged = new Promise((resolve) => (acknowledge = resolve));
  let answered = false;
  const change = service.set([{ address: B }]).then(() => (answered = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(engine.order, [B]);
  assert.equal(answered, false);
  acknowledge();
  await change;
});

test("Add and Remove go on with the round, Set starts it anew, also with the same list", async (t) => {
  const { service, engine } = await start(t, [A, B]);
  await service.add([{ address: C }]);
  assert.deepEqual(engine.tables.at(-1)?.carry, [0, 1]);
  await service.remove([A]);
  assert.deepEqual(engine.tables.at(-1)?.carry, [1, 0, 1]);
  const { changed, state } = await service.set([{ address: B }, { address: C }]);
  assert.equal(engine.tables.at(-1)?.carry, undefined);
  assert.deepEqual({ changed, revision: state.revision }, { changed: false, revision: 3 });
});

test("what changes nothing leaves the revision and the table alone", async (t) => {
  const { service, engine } = await start(t, [A]);
  const { changed, state } = await service.add([{ address: A }]);
  assert.deepEqual(
    { changed, revision: state.revision, tables: engine.tables.length },
    { changed: false, revision: 1, tables: 1 },
  );
});

test("a change with an old revision is refused with the present one", async (t) => {
  const { service } = await start(t, [A]);
  await service.add([{ address: B }], { expectedRevision: 1 });
  await assert.rejects(
    service.set([{ address: C }], { expectedRevision: 1 }),
    refuses("REVISION_MISMATCH", { current_revision: "2" }),
  );
  assert.deepEqual(show(service.state()), [`${A} active`, `${B} active`]);
});

test("of eight writers with the same expected revision exactly one wins", async (t) => {
  const { service } = await start(t, [A]);
  const writers = Array.from({ length: 8 }, (_, i) =>
    service.add([{ address: `10.1.0.${i}:80` }], { expectedRevision: 1 }),
  );
  const outcomes = await Promise.allSettled(writers);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal(service.state().revision, 2);
});

test("one bad address and the whole request is refused", async (t) => {
  const { service } = await start(t, [A]);
  await assert.rejects(
    service.add([{ address: B }, { address: "x" }]),
    refuses("INVALID_ADDRESS", { address: "x" }),
  );
  await assert.rejects(service.remove([A, B]), refuses("BACKEND_NOT_FOUND", { address: B }));
  assert.deepEqual(show(service.state()), [`${A} active`]);
});

test("the proxy's own address and nobody's addresses are refused, also behind a name", async (t) => {
  const { service, names } = await start(t, [A]);
  names.set("self", ["127.0.0.1"]);
  for (const address of ["127.0.0.1:8080", "[::ffff:7f00:1]:8080", "self:8080", "169.254.169.254:80"]) {
    await assert.rejects(service.add([{ address }]), refuses("FORBIDDEN_BACKEND"), address);
  }
  assert.equal(service.state().revision, 1);
  await service.add([{ address: "self:8081" }]);
});

test("a name that comes to stand for the proxy itself is skipped", async (t) => {
  const { service, engine, names } = await start(t, [A]);
  await service.add([{ address: "self:8080" }]);
  assert.deepEqual(engine.order, [A]);
  names.set("self", ["127.0.0.1"]);
  const state = await when(service, ({ backends }) => /this proxy itself/.test(backends[1]?.error ?? ""));
  assert.deepEqual(show(state), [`${A} active`, "self:8080 unresolved"]);
  assert.deepEqual(engine.order, [A]);
});

test("a name that does not resolve is accepted, skipped, shown with its error, and used once it resolves", async (t) => {
  const { service, engine, names } = await start(t, [A]);
  const { state } = await service.add([{ address: "late:80" }]);
  assert.deepEqual(show(state), [`${A} active`, "late:80 unresolved"]);
  assert.match(state.backends[1]?.error ?? "", /ENOTFOUND/);
  assert.deepEqual(engine.order, [A]);
  names.set("late", ["10.9.9.9"]);
  const resolved = await when(service, ({ backends }) => backends[1]?.status === "active");
  assert.equal(resolved.revision, state.revision);
  assert.deepEqual(engine.order, [A, "late:80"]);
  assert.deepEqual(engine.tables.at(-1)?.targets[1]?.endpoints, [{ host: "10.9.9.9", port: 80 }]);
});

test("a name server that does not answer delays a change only a little, and clients are held meanwhile", async (t) => {
  const { service, engine, names } = await start(t, [A]);
  names.set("slow", []);
  const { state } = await service.set([{ address: "slow:80" }]);
  assert.deepEqual(show(state), ["slow:80 unresolved"]);
  assert.equal(engine.tables.at(-1)?.holdMs, DEFAULT_SETTINGS.connectTimeoutMs);
});

test("a removed backend with connections drains until the last has ended", async (t) => {
  const { service, engine } = await start(t, [A, B]);
  engine.open(A, 2);
  const { state } = await service.remove([A]);
  assert.deepEqual(show(state), [`${B} active`, `${A} draining`]);
  assert.equal(state.backends[1]?.drain?.drain.connectionsAtStart, 2);
  engine.end(A, "client", 1);
  const progress = await when(service, ({ backends }) => backends[1]?.drain?.drain.now.open === 1);
  assert.equal(progress.revision, state.revision);
  engine.end(A, "client");
  assert.deepEqual(show(service.state()), [`${B} active`]);
});

test("a draining backend that is added again is back in the rotation", async (t) => {
  const { service, engine } = await start(t, [A, B]);
  engine.open(A, 2);
  await service.remove([A]);
  const { state, changed } = await service.add([{ address: A }]);
  assert.equal(changed, true);
  assert.deepEqual(show(state), [`${B} active`, `${A} active`]);
});

const failing = (target: string, consecutive = 3): EngineEvent => {
  return {
    type: "connect-failed",
    connection: { id: "x-1", client: undefined },
    target,
    tried: undefined,
    code: "ECONNREFUSED",
    consecutive,
  };
};

test("three failed connects in a row put a backend aside, as a last resort, until its time is over", async (t) => {
  const { service, engine } = await start(t, [A, B], { ejectMs: 30 });
  engine.report(failing(A));
  const ejected = await when(service, ({ backends }) => backends[0]?.status === "ejected");
  assert.match(ejected.backends[0]?.error ?? "", /ECONNREFUSED/);
  assert.equal(ejected.revision, 1);
  assert.deepEqual(engine.order, [B]);
  assert.deepEqual(
    engine.tables.at(-1)?.targets.map(({ id }) => id),
    [B, A],
  );
  await when(service, ({ backends }) => backends[0]?.status === "active");
  assert.deepEqual(engine.order, [A, B]);
});

test("a success brings an ejected backend back at once", async (t) => {
  const { service, engine } = await start(t, [A, B]);
  engine.report(failing(A));
  await when(service, ({ backends }) => backends[0]?.status === "ejected");
  engine.report({ type: "connect-recovered", target: A });
  await when(service, ({ backends }) => backends[0]?.status === "active");
});

test("the last backend is not put aside, and one that becomes the last comes back", async (t) => {
  const { service, engine } = await start(t, [A, B]);
  engine.report(failing(A));
  await when(service, ({ backends }) => backends[0]?.status === "ejected");
  engine.report(failing(B));
  assert.equal(service.state().backends[1]?.status, "active");
  const { state } = await service.remove([B]);
  assert.deepEqual(show(state), [`${A} active`]);
  assert.deepEqual(engine.order, [A]);
});

test("the last one can be removed; the rotation is then empty", async (t) => {
  const { service, engine } = await start(t, [A], { queueTimeoutMs: 7 });
  await service.remove([A]);
  assert.deepEqual(engine.order, []);
  assert.equal(engine.tables.at(-1)?.holdMs, 7);
});

test("once it closes it takes no changes, but still shows its state", async (t) => {
  const { service } = await start(t, [A]);
  await service.close(0);
  await assert.rejects(service.add([{ address: B }]), refuses("SHUTTING_DOWN"));
  assert.deepEqual(show(service.state()), [`${A} active`]);
});

test("the way of balancing is the table's, whose sequence is made for it", async (t) => {
  const table = async (balance: Balancing) => (await start(t, [A, B], { balance })).engine.tables.at(-1);
  assert.deepEqual((await table("round_robin"))?.choice, "turn");
  assert.deepEqual((await table("random_two_choices"))?.choice, "two");
  const least = await table("least_connections");
  assert.deepEqual([least?.choice, least?.sequence], ["least", [0, 1]]);
  const hash = await table("source_hash");
  assert.deepEqual([hash?.choice, hash?.sequence.length], ["hash", 1_009]);
});
