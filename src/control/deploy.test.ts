import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeployStatus } from "./deploy-status.js";
import type { DeployRequest } from "./management.js";
import { followDeploy } from "./testing/followed-deploy.js";
import { show, startService, type Started } from "./testing/service-fixture.js";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const C = "10.0.0.3:80";
const to = (...addresses: string[]): Pick<DeployRequest, "backends"> => ({
  backends: addresses.map((address) => ({ address })),
});
/** Checks and drains at a pace at which a test can wait for them. */
const FAST = { healthCheck: { kind: { type: "tcp" }, intervalMs: 100 } } as const;

const phases = (statuses: readonly DeployStatus[]): string =>
  statuses
    .map(({ phase, percent }) => (phase === "canary" ? `${phase} ${percent}` : phase))
    .filter((phase, i, all) => phase !== all[i - 1])
    .join(", ");

test("a deploy checks, switches in one step, drains and answers how it went", async (t) => {
  const fixture = await startService(t, [A, B]);
  const { engine, service } = fixture;
  engine.open(A, 3);
  const deploy = await followDeploy(fixture, { ...to(C, B), ...FAST, actor: "me" });
  await deploy.until(({ phase }) => phase === "draining");
  assert.deepEqual(engine.order, [C, B]);
  assert.deepEqual(show(service.state()), [`${C} active`, `${B} active`, `${A} draining`]);
  engine.end(A, "client", 2);
  engine.end(A, "backend", 1);
  const { durationMs, ...verdict } = await deploy.verdict;
  assert.ok(durationMs >= 0);
  assert.deepEqual(verdict, {
    outcome: "switched",
    reason: "",
    revision: 2,
    ended: 3,
    cut: 0,
    closedIdle: 0,
    vanished: [],
    restarted: [],
  });
  assert.equal(phases(deploy.statuses), "checking, draining, done");
  const [entry] = service.history();
  assert.deepEqual([entry?.verb, entry?.actor, entry?.revision], ["deploy", "me", 2]);
});

test("the switch waits until every new backend is healthy, and only for the new ones", async (t) => {
  const fixture = await startService(t, [A]);
  const { engine, sick, service } = fixture;
  sick.set(A, "old and tired").set(C, "starting");
  const deploy = await followDeploy(fixture, { ...to(A, B, C), ...FAST });
  const health = (status: DeployStatus): string[] =>
    status.candidates.map(({ address, health: { state, error } }) => `${address} ${state} ${error}`);
  const waiting = await deploy.until(
    (status) => health(status).join() === `${B} healthy ,${C} unhealthy starting`,
  );
  assert.equal(waiting.phase, "checking");
  assert.deepEqual(engine.order, [A]);
  sick.delete(C);
  assert.equal((await deploy.verdict).outcome, "switched");
  assert.deepEqual(
    show(service.state()),
    [A, B, C].map((address) => `${address} active`),
  );
});

test("not healthy in time: nothing has changed, and the reason names the backend", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.sick.set(B, "ECONNREFUSED");
  const deploy = await followDeploy(fixture, { ...to(B), ...FAST, healthTimeoutMs: 50 });
  const verdict = await deploy.verdict;
  assert.deepEqual([verdict.outcome, verdict.revision], ["never-healthy", 1]);
  assert.match(verdict.reason, /not healthy within 50 ms: 10\.0\.0\.2:80 \(ECONNREFUSED\)/);
  assert.equal(fixture.engine.tables.length, 1);
  assert.equal(fixture.service.history().length, 1);
});

test("a drain limit cuts what is left, and the verdict counts it", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.engine.open(A, 4);
  const drain = { limitMs: 20, spreadMs: 0 };
  const { outcome, ended, cut } = await (await followDeploy(fixture, { ...to(B), ...FAST, drain })).verdict;
  assert.deepEqual([outcome, ended, cut], ["switched", 0, 4]);
});

test("two deploys at once: the second is refused, and a third after the end is not", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.sick.set(B, "starting");
  const first = await followDeploy(fixture, { ...to(B), ...FAST });
  await assert.rejects(fixture.service.deploy(to(C)), { code: "DEPLOY_IN_PROGRESS" });
  fixture.sick.delete(B);
  await first.verdict;
  assert.equal((await (await followDeploy(fixture, to(C))).verdict).outcome, "switched");
});

test("a request that is wrong is refused before anything is checked", async (t) => {
  const { service } = await startService(t, [A]);
  for (const [request, code] of [
    [to(), "INVALID_ARGUMENT"],
    [to("nonsense"), "INVALID_ADDRESS"],
    [to("127.0.0.1:8080"), "FORBIDDEN_BACKEND"],
    [{ ...to(B), expectedRevision: 7 }, "REVISION_MISMATCH"],
    [{ ...to(B), canaryPercents: [50, 50] }, "INVALID_ARGUMENT"],
    [{ ...to(B), canaryPercents: [100] }, "INVALID_ARGUMENT"],
    [{ ...to(B), maxConnectFailurePercent: 101 }, "INVALID_ARGUMENT"],
    [{ ...to(B), drain: { idleLimitMs: 5, spreadMs: 0 } }, "INVALID_ARGUMENT"],
    [{ ...to(B), healthCheck: { kind: { type: "tcp" }, rise: 0 } }, "INVALID_ARGUMENT"],
  ] as const)
    await assert.rejects(service.deploy(request), { code }, JSON.stringify(request));
  assert.equal(service.state().deploy, undefined);
  assert.equal((await (await followDeploy({ service } as Started, to(B))).verdict).outcome, "switched");
});

test("a caller who leaves before the switch cancels it", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.sick.set(B, "starting");
  const deploy = await followDeploy(fixture, { ...to(B), ...FAST });
  deploy.started.callerLeft();
  const { outcome, reason } = await deploy.verdict;
  assert.deepEqual([outcome, reason], ["cancelled", "the caller went away"]);
  fixture.sick.delete(B);
  assert.deepEqual(fixture.engine.order, [A]);
});

test("a caller who leaves after the switch changes nothing", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.engine.open(A, 1);
  const deploy = await followDeploy(fixture, { ...to(B), ...FAST });
  await deploy.until(({ phase }) => phase === "draining");
  deploy.started.callerLeft();
  fixture.engine.end(A, "client");
  assert.equal((await deploy.verdict).outcome, "switched");
});

test("a change by someone else before the switch ends the deploy, and stands", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.sick.set(B, "starting");
  const deploy = await followDeploy(fixture, { ...to(B), ...FAST });
  await fixture.service.set([{ address: C }]);
  fixture.sick.delete(B);
  assert.equal((await deploy.verdict).outcome, "superseded");
  assert.deepEqual(fixture.engine.order, [C]);
});

test("a canary shifts its shares, then switches", async (t) => {
  const fixture = await startService(t, [A]);
  const request = { ...to(B), ...FAST, canaryPercents: [25, 50], canaryStepMs: 20 };
  const deploy = await followDeploy(fixture, request);
  const { revision, outcome } = await deploy.verdict;
  assert.deepEqual([outcome, revision], ["switched", 4]);
  assert.equal(phases(deploy.statuses), "checking, canary 25, canary 50, draining, done");
  const lists = fixture.service.history().map(({ verb, list }) => {
    return `${verb} ${list.map(({ id, weight }) => `${id}=${weight}`).join(" ")}`;
  });
  assert.deepEqual(lists, [`deploy ${B}=1`, `canary ${A}=1 ${B}=1`, `canary ${A}=3 ${B}=1`, `start ${A}=1`]);
});

test("a canary whose new backend falls sick returns to the old ones", async (t) => {
  const fixture = await startService(t, [A, C]);
  const deploy = await followDeploy(fixture, {
    ...to(B),
    ...FAST,
    canaryPercents: [10],
    canaryStepMs: 60_000,
  });
  await deploy.until(({ phase }) => phase === "canary");
  fixture.sick.set(B, "crashed");
  const { outcome, reason } = await deploy.verdict;
  assert.equal(outcome, "returned");
  assert.match(reason, /10\.0\.0\.2:80 \(crashed\)/);
  assert.deepEqual(fixture.engine.order, [A, C]);
  assert.equal(fixture.service.history()[0]?.verb, "return");
});

test("a caller who leaves during a canary brings the old list back", async (t) => {
  const fixture = await startService(t, [A]);
  const deploy = await followDeploy(fixture, {
    ...to(B),
    ...FAST,
    canaryPercents: [10],
    canaryStepMs: 60_000,
  });
  await deploy.until(({ phase }) => phase === "canary");
  deploy.started.callerLeft();
  assert.equal((await deploy.verdict).outcome, "cancelled");
  assert.deepEqual(fixture.engine.order, [A]);
});

test("while it bakes the old backends stay whole; then their drain begins", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.engine.open(A, 2);
  const drain = { limitMs: 0, spreadMs: 0 };
  const deploy = await followDeploy(fixture, { ...to(B), ...FAST, bakeMs: 60, drain });
  const baking = await deploy.until(({ phase }) => phase === "baking");
  assert.deepEqual(fixture.engine.order, [B]);
  assert.equal(baking.drains.length, 0);
  const { cut, durationMs } = await deploy.verdict;
  assert.equal(cut, 2);
  assert.ok(durationMs >= 55);
  assert.equal(phases(deploy.statuses), "checking, baking, draining, done");
});

test("new backends that fail while it bakes bring the old ones back, by checks or by connects", async (t) => {
  for (const [fail, said] of [
    [({ sick }: Started) => void sick.set(B, "crashed"), /crashed/],
    [({ engine }: Started) => engine.fail(B, 6), /6 of 6 connects/],
  ] as const) {
    const fixture = await startService(t, [A]);
    fixture.engine.open(A, 1);
    const deploy = await followDeploy(fixture, { ...to(B), ...FAST, bakeMs: 60_000 });
    await deploy.until(({ phase }) => phase === "baking");
    fail(fixture);
    const { outcome, reason } = await deploy.verdict;
    assert.equal(outcome, "returned");
    assert.match(reason, said);
    assert.deepEqual(show(fixture.service.state())[0], `${A} active`);
  }
});

test("a change by someone else while it bakes stands", async (t) => {
  const fixture = await startService(t, [A]);
  const deploy = await followDeploy(fixture, { ...to(B), ...FAST, bakeMs: 60_000 });
  await deploy.until(({ phase }) => phase === "baking");
  await fixture.service.set([{ address: C }]);
  assert.equal((await deploy.verdict).outcome, "superseded");
  assert.deepEqual(fixture.engine.order, [C]);
});

test("a change that can't be stored is none: the deploy ends and the old list serves", async (t) => {
  const fixture = await startService(t, [A]);
  fixture.sick.set(B, "starting");
  const deploy = await followDeploy(fixture, { ...to(B), ...FAST });
  fixture.fault.error = new Error("the disk is full");
  fixture.sick.delete(B);
  const { outcome, reason } = await deploy.verdict;
  assert.deepEqual([outcome, reason], ["cancelled", "the disk is full"]);
  assert.deepEqual(fixture.engine.order, [A]);
});

test("a proxy that stops cancels a deploy that has not switched, and bakes no longer one that has", async (t) => {
  const waiting = await startService(t, [A]);
  waiting.sick.set(B, "starting");
  const cancelled = await followDeploy(waiting, { ...to(B), ...FAST });
  await waiting.service.close(0);
  assert.equal((await cancelled.verdict).outcome, "cancelled");
  const baking = await startService(t, [A]);
  const switched = await followDeploy(baking, { ...to(B), ...FAST, bakeMs: 60_000 });
  await switched.until(({ phase }) => phase === "baking");
  await baking.service.close(0);
  assert.equal((await switched.verdict).outcome, "switched");
});

test("the present deploy is part of the state, and can be watched", async (t) => {
  const fixture = await startService(t, [A]);
  assert.throws(() => fixture.service.watchDeploy(() => true), { code: "DEPLOY_NOT_FOUND" });
  const deploy = await followDeploy(fixture, to(B));
  await deploy.verdict;
  const seen: DeployStatus[] = [];
  fixture.service.watchDeploy((status) => seen.push(status) > 0);
  assert.equal(seen[0]?.verdict?.outcome, "switched");
  assert.equal(fixture.service.state().deploy?.id, seen[0].id);
});

test("what a deploy has found out of health holds after the switch", async (t) => {
  const check = { kind: { type: "tcp" }, intervalMs: 60_000, timeoutMs: 1_000, rise: 2, fall: 2 } as const;
  const fixture = await startService(t, [A], { healthCheck: check });
  await (
    await followDeploy(fixture, to(B))
  ).verdict;
  assert.equal(fixture.service.state().backends[0]?.health?.state, "healthy");
});
