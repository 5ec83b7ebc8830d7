import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ProxyError } from "../errors.js";
import { parseBackends, setBackends } from "./backend-list.js";
import { NO_LIMITS } from "./drain.js";
import { FakeFleet, FakeStore } from "./testing/fake-fleet.js";
import { followDeploy } from "./testing/followed-deploy.js";
import { show, startService, when, type Started } from "./testing/service-fixture.js";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const C = "10.0.0.3:80";
const FAST = { healthCheck: { kind: { type: "tcp" }, intervalMs: 100 } } as const;

interface Proxy extends Started {
  readonly fleet: FakeFleet;
}

/** A proxy that shares its list; what it would begin with is only used by the first one. */
async function join(t: TestContext, store: FakeStore, id: string, start = [A]): Promise<Proxy> {
  const fleet = new FakeFleet(id, store);
  return { ...(await startService(t, start, {}, fleet)), fleet };
}

const listed = (...addresses: string[]) => addresses.map((address) => `${address} active`);
const at = ({ service }: Proxy, revision: number) => when(service, (state) => state.revision === revision);
const request = (...addresses: string[]) => addresses.map((address) => ({ address }));

test("the first proxy puts its list there, and the next ones begin with what is there", async (t) => {
  const store = new FakeStore();
  const one = await join(t, store, "one", [A, B]);
  await one.service.weigh([{ address: B, weight: 3 }], { actor: "me" });
  const two = await join(t, store, "two", [C]);
  const { revision, backends } = two.service.state();
  assert.deepEqual(
    [revision, backends.map(({ address, weight }) => `${address}=${weight}`)],
    [2, [`${A}=1`, `${B}=3`]],
  );
  assert.deepEqual(
    two.service.history().map(({ revision: each, verb, actor }) => `${each} ${verb} ${actor}`),
    ["2 weight me", "1 start command line"],
  );
});

test("a change through one is made in all, with its drain's limits, pause and checks too", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  two.engine.open(A, 2);
  await one.service.set(request(B), { actor: "me", drain: { limitMs: 60_000, spreadMs: 0 } });
  const state = await at(two, 2);
  assert.deepEqual(show(state), [`${B} active`, `${A} draining`]);
  assert.equal(state.backends[1]?.drain?.drain.limits.limitMs, 60_000);
  assert.equal(two.service.history()[0]?.actor, "me");
  await one.service.pause({ holdLimitMs: 5, maxHeld: 6 });
  await one.service.setHealthCheck({ kind: { type: "tcp" }, intervalMs: 100 });
  await when(
    two.service,
    ({ pause, healthCheck }) => pause?.maxHeld === 6 && healthCheck?.kind.type === "tcp",
  );
  assert.deepEqual(two.engine.holds.at(-1), { holdMs: 5, maxHeld: 6 });
  two.sick.set(B, "sick");
  await when(two.service, ({ backends }) => backends[0]?.status === "unhealthy");
  await one.service.resume();
  await when(two.service, ({ pause }) => pause === undefined);
  assert.deepEqual(two.engine.holds.at(-1), { pace: 1_000 });
  assert.equal(two.stored.at(-1)?.list[0]?.id, B);
});

test("two that change the list at once lose nothing: the second is made on what the first has made", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  let isFirst = true;
  store.onReplace = async () => {
    if (!isFirst) return;
    isFirst = false;
    await two.service.add(request(B));
  };
  const { state } = await one.service.add(request(C));
  assert.deepEqual([state.revision, show(state)], [3, listed(A, B, C)]);
  await at(two, 3);
  assert.deepEqual(show(two.service.state()), listed(A, B, C));
});

test("a condition holds for what is there, not for what this proxy has heard of", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  two.fleet.isDeaf = true;
  await one.service.add(request(B));
  assert.equal(two.service.state().revision, 1);
  await assert.rejects(two.service.add(request(C), { expectedRevision: 1 }), {
    code: "REVISION_MISMATCH",
    details: { current_revision: "2" },
  });
  await one.service.add(request(C));
  const { changed, state } = await two.service.add(request(C));
  assert.deepEqual([changed, state.revision], [false, 3]);
  await one.service.remove([C]);
  await assert.rejects(two.service.remove([C]), { code: "BACKEND_NOT_FOUND" });
  await one.service.add(request(C));
  assert.equal(two.service.state().revision, 4);
  assert.equal((await two.service.freshState()).revision, 5);
});

test("without the store the last list is served, changes are refused, and drains can be cut all the same", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  two.engine.open(A, 1);
  await one.service.set(request(B));
  await at(two, 2);
  store.isDown = true;
  for (const change of [two.service.add(request(C)), two.service.pause({}), two.service.set(request(B))])
    await assert.rejects(change, { code: "STORE_UNAVAILABLE" });
  await assert.rejects(two.service.freshState(), { code: "STORE_UNAVAILABLE" });
  await assert.rejects(two.service.deploy({ backends: request(C) }), { code: "STORE_UNAVAILABLE" });
  assert.deepEqual(two.engine.order, [B]);
  await two.service.changeDrain([A], { limitMs: 0, spreadMs: 0 });
  await when(two.service, ({ backends }) => backends.length === 1);
  store.isDown = false;
  assert.equal((await two.service.add(request(C))).state.revision, 3);
});

test("a list that the store has lost is put back, and one that was missed is caught up with, history too", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  two.fleet.isDeaf = true;
  for (const address of [B, C]) await one.service.add(request(address));
  await one.service.remove([A]);
  two.fleet.isDeaf = false;
  store.tell("default");
  await at(two, 4);
  assert.deepEqual(
    two.service.history().map(({ revision, verb }) => `${revision} ${verb}`),
    ["4 remove", "3 add", "2 add", "1 start"],
  );
  store.lose("default");
  const { state } = await one.service.add(request(A));
  assert.deepEqual([state.revision, store.get("default").service?.revision], [5, 5]);
  await at(two, 5);
});

test("a backend that is forbidden here, but not where it was added, gets nothing and says why", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  const { service } = store.get("default");
  assert.ok(service);
  const own = {
    id: "127.0.0.1:8080",
    address: { kind: "ip", host: "127.0.0.1", port: 8080 },
    weight: 1,
  } as const;
  store.put("default", { ...service, revision: 2, list: [...service.list, own] });
  const state = await at(two, 2);
  assert.deepEqual(show(state), [`${A} active`, "127.0.0.1:8080 unresolved"]);
  assert.match(state.backends[1]?.error ?? "", /proxy itself/);
  assert.deepEqual(one.engine.order, [A]);
});

test("a deploy of the fleet waits for every proxy's health, list and drain, and sums up their ends", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  two.sick.set(B, "not yet");
  one.engine.open(A, 1);
  two.engine.open(A, 2);
  const { until, verdict } = await followDeploy(one, { backends: request(B), ...FAST, fleet: true });
  const judged = await until(({ candidates }) => candidates[0]?.health.error.includes("not yet") ?? false);
  assert.deepEqual([judged.phase, judged.candidates[0]?.health.state], ["checking", "unhealthy"]);
  assert.match(
    judged.candidates[0]?.health.error ?? "",
    /healthy by [01] of the 2 proxies needed, name-two: not yet/,
  );
  two.sick.clear();
  const draining = await until(
    ({ phase, proxies }) => phase === "draining" && proxies.every(({ revision }) => revision === 2),
  );
  assert.deepEqual(
    draining.proxies.map(({ name, openConnections }) => `${name} ${openConnections}`),
    ["name-one 1", "name-two 2"],
  );
  one.engine.end(A, "client");
  two.engine.end(A, "backend");
  const { outcome, ended, cut, vanished } = await verdict;
  assert.deepEqual([outcome, ended, cut, vanished], ["switched", 3, 0, []]);
  assert.deepEqual(show(two.service.state()), listed(B));
});

test("a quorum is enough, and a proxy that vanishes is named and not waited for", async (t) => {
  const store = new FakeStore();
  const [one, two, three] = [
    await join(t, store, "one"),
    await join(t, store, "two"),
    await join(t, store, "three"),
  ];
  three.sick.set(B, "broken here");
  two.engine.open(A, 2);
  const { until, verdict } = await followDeploy(one, {
    backends: request(B),
    ...FAST,
    fleet: true,
    quorum: 2,
  });
  await until(
    ({ phase, proxies }) =>
      phase === "draining" && proxies.some(({ openConnections }) => openConnections === 2),
  );
  two.fleet.vanish();
  const { outcome, vanished } = await verdict;
  assert.deepEqual([outcome, vanished], ["switched", ["name-two"]]);
  assert.equal(three.service.state().revision, 2);
});

test("first proxies are switched before the rest; if the new backends fail there, all go back", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  const plan = { backends: request(B), ...FAST, fleet: true, firstProxies: 1, canaryStepMs: 60_000 };
  const bad = await followDeploy(one, plan);
  await bad.until(({ phase }) => phase === "canary");
  await at(two, 2);
  assert.deepEqual([one.engine.order, two.engine.order], [[B], [A]]);
  one.sick.set(B, "broken");
  two.sick.set(B, "broken");
  const { outcome, reason } = await bad.verdict;
  assert.deepEqual([outcome, one.engine.order, two.engine.order], ["returned", [A], [A]]);
  assert.match(reason, /broken/);
  one.sick.clear();
  two.sick.clear();
  const good = await followDeploy(one, { ...plan, canaryStepMs: 50 });
  assert.equal((await good.verdict).outcome, "switched");
  await when(two.service, (state) => show(state)[0] === `${B} active`);
  assert.deepEqual([one.engine.order, two.engine.order], [[B], [B]]);
});

test("if all first proxies vanish, or were started anew, nothing was tried, and the rest is not switched", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  const plan = { backends: request(B), ...FAST, fleet: true, firstProxies: 1, canaryStepMs: 300 };
  const { until, statuses, verdict } = await followDeploy(two, plan);
  await until(({ phase }) => phase === "canary");
  const atOnce = statuses.find(({ phase }) => phase === "canary");
  assert.deepEqual(
    atOnce?.proxies.map(({ name, first }) => [name, first]),
    [
      ["name-one", true],
      ["name-two", false],
    ],
  );
  one.fleet.report = () => undefined;
  one.fleet.vanish();
  const { outcome, reason } = await verdict;
  assert.equal(outcome, "returned");
  assert.match(reason, /no proxy is left of those/);
  assert.deepEqual(two.engine.order, [A]);
});

test("a change by someone else ends a trial, and one that changes nothing does not", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  const plan = { backends: request(B), ...FAST, fleet: true, firstProxies: 1, canaryStepMs: 60_000 };
  const { until, verdict } = await followDeploy(one, plan);
  await until(({ phase }) => phase === "canary");
  assert.equal((await two.service.add(request(A))).changed, false);
  await two.service.add(request(C));
  assert.equal((await verdict).outcome, "superseded");
  assert.deepEqual(show(one.service.state()).slice(0, 2), listed(A, C));
});

test("one deploy at a time in the fleet, and one of the fleet needs a fleet", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  one.sick.set(B, "sick");
  await one.service.deploy({ backends: request(B), ...FAST });
  await assert.rejects(two.service.deploy({ backends: request(C), ...FAST }), { code: "DEPLOY_IN_PROGRESS" });
  const alone = await startService(t, [A]);
  await assert.rejects(alone.service.deploy({ backends: request(B), fleet: true }), { code: "NO_FLEET" });
});

test("a canary whose proxy has gone is undone by another one", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  const { until } = await followDeploy(one, {
    backends: request(B),
    ...FAST,
    canaryPercents: [50],
    canaryStepMs: 60_000,
  });
  await until(({ phase }) => phase === "canary");
  await at(two, 2);
  assert.deepEqual([...two.engine.order].sort(), [A, B]);
  one.fleet.isDeaf = true;
  store.notes.delete("default");
  one.fleet.vanish();
  const state = await when(two.service, ({ revision }) => revision === 3);
  assert.deepEqual(show(state), listed(A));
  assert.equal(two.service.history()[0]?.verb, "return");
});

test("a switch whose answer is lost is found to be made, and one that was not is made when the store is back", async (t) => {
  for (const made of [true, false]) {
    const store = new FakeStore();
    const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
    let isFirst = true;
    store.onReplace = () => {
      const { service } = store.get("default");
      if (!isFirst || !service) return Promise.resolve();
      isFirst = false;
      const list = setBackends([], parseBackends(request(B)));
      const change = { ...service.change, revision: 2, verb: "deploy" } as const;
      if (made) store.put("default", { ...service, revision: 2, list, change });
      return Promise.reject(new ProxyError("STORE_UNAVAILABLE", "lost", { details: { outcome: "unknown" } }));
    };
    const { verdict } = await followDeploy(one, { backends: request(B), ...FAST, fleet: true });
    const { outcome, revision } = await verdict;
    assert.deepEqual([outcome, revision], ["switched", 2]);
    assert.deepEqual(show(two.service.state()), listed(B));
  }
});

test("a proxy that was started anew in a deploy is not one that vanished, and what it has lost is told", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  two.engine.open(A, 1);
  const { statuses, until, verdict } = await followDeploy(one, {
    backends: request(B),
    ...FAST,
    fleet: true,
  });
  await until(({ proxies }) => proxies.some(({ openConnections }) => openConnections === 1));
  const three = await join(t, store, "three");
  three.fleet.name = two.fleet.name;
  three.fleet.startedUnixMs = 2;
  three.fleet.report(store.members.get("three")?.services ?? []);
  two.fleet.vanish();
  const { outcome, vanished, restarted } = await verdict;
  assert.deepEqual([outcome, vanished, restarted], ["switched", [], ["name-two"]]);
  assert.deepEqual(
    statuses.at(-1)?.proxies.map((proxy) => `${proxy.id} ${proxy.restarted} ${proxy.lostConnections}`),
    ["one false 0", "three true 1"],
  );
});

test("limits that count only after the bake reach the drains of every proxy", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  two.engine.open(A, 1);
  const plan = {
    backends: request(B),
    ...FAST,
    fleet: true,
    bakeMs: 30,
    drain: { limitMs: 20, spreadMs: 0 },
  };
  const { verdict } = await followDeploy(one, plan);
  const { outcome, cut, ended } = await verdict;
  assert.deepEqual([outcome, cut, ended], ["switched", 1, 0]);
});

test("limits that count only after the bake reach every proxy also if the store was away when it ended", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  one.engine.open(A, 1);
  two.engine.open(A, 1);
  const drain = { limitMs: 20, spreadMs: 0 };
  const plan = { backends: request(B), ...FAST, fleet: true, bakeMs: 100, drain };
  const { until, verdict } = await followDeploy(one, plan);
  await until(({ phase }) => phase === "baking");
  await at(two, 2);
  store.isDown = true;
  await when(one.service, ({ backends }) => backends.length === 1);
  store.isDown = false;
  const { outcome, cut } = await verdict;
  assert.deepEqual([outcome, cut], ["switched", 2]);
});

test("limits that could not be told in time are not taken for those of the next change", async (t) => {
  const store = new FakeStore();
  const [one, two] = [await join(t, store, "one"), await join(t, store, "two")];
  one.engine.open(A, 1);
  two.engine.open(B, 1);
  const drain = { limitMs: 20, spreadMs: 0 };
  const plan = { backends: request(B), ...FAST, fleet: true, bakeMs: 100, drain };
  const { until } = await followDeploy(one, plan);
  await until(({ phase }) => phase === "baking");
  await at(two, 2);
  one.fleet.isDeaf = true;
  await two.service.set(request(C));
  await when(one.service, ({ revision }) => revision === 3);
  await one.service.freshState();
  assert.deepEqual(store.get("default").service?.drainLimits, NO_LIMITS);
});
