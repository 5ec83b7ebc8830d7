import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { pino } from "pino";
import { ProxyError } from "../errors.js";
import { ControlPlane } from "./control-plane.js";
import { FakeEngine } from "./testing/fake-engine.js";
import { FakeFleet, FakeStore } from "./testing/fake-fleet.js";

interface Proxy {
  readonly control: ControlPlane;
  readonly engine: FakeEngine;
  readonly fleet: FakeFleet;
  /** What saving fails with from now on. */
  readonly disk: { error: Error | undefined };
}

function start(t: TestContext, store: FakeStore, id: string): Proxy {
  const [engine, fleet] = [new FakeEngine(), new FakeFleet(id, store)];
  const disk: Proxy["disk"] = { error: undefined };
  const control = new ControlPlane({
    engine,
    fleet,
    version: "1",
    instanceId: id,
    checker: () => Promise.resolve(),
    save: () => (disk.error ? Promise.reject(disk.error) : Promise.resolve()),
    logger: pino({ level: "silent" }),
    logRate: 10,
  });
  t.after(() => control.close(0));
  return { control, engine, fleet, disk };
}

const [A, B] = ["10.0.0.1:80", "10.0.0.2:80"];
const web = {
  name: "web",
  listen: ["8081"],
  backends: [{ address: A, weight: 2 }],
  settings: {},
  actor: "me",
};
const listIn = (store: FakeStore): string | undefined =>
  store
    .get("web")
    .service?.list.map(({ id, weight }) => `${id}=${weight}`)
    .join();

test("a service whose list the fleet has joins it, and says so; one that asks for another list is refused", async (t) => {
  const store = new FakeStore();
  const [one, two] = [start(t, store, "one"), start(t, store, "two")];
  assert.equal((await one.control.createService(web)).joinedList, false);
  for (const [wrong, what] of [
    [{ backends: [{ address: B }] }, /with other backends than were asked for/],
    [{ backends: [{ address: A }] }, /with other backends than were asked for/],
    [{ settings: { healthCheck: { kind: { type: "tcp" } } } }, /with other health check than/],
  ] as const) {
    const refused = two.control.createService({ ...web, ...wrong });
    await assert.rejects(refused, (error: unknown) => {
      assert.ok(error instanceof ProxyError);
      assert.equal(error.code, "LIST_EXISTS");
      assert.match(error.message, what);
      assert.match(error.message, /: 10\.0\.0\.1:80=2, no checks, at revision 1, served by name-one$/);
      return true;
    });
    assert.deepEqual([two.control.serviceNames(), listIn(store)], [[], `${A}=2`]);
  }
  const joined = await two.control.createService({ ...web, backends: [] });
  assert.deepEqual([joined.joinedList, joined.state.backends[0]?.address], [true, A]);
});

test("asking for just what the fleet has is joining, too", async (t) => {
  const store = new FakeStore();
  await start(t, store, "one").control.createService(web);
  const { joinedList, state } = await start(t, store, "two").control.createService(web);
  assert.deepEqual([joinedList, state.backends.length], [true, 1]);
});

test("a service that can't be opened, or not now, leaves no list in the store", async (t) => {
  const store = new FakeStore();
  const { control, disk } = start(t, store, "one");
  const own = control.createService({ ...web, backends: [{ address: "127.0.0.1:8081" }] });
  await assert.rejects(own, { code: "FORBIDDEN_BACKEND" });
  assert.equal(listIn(store), undefined);
  disk.error = new Error("full");
  await assert.rejects(control.createService(web), /full/);
  assert.equal(listIn(store), undefined);
  disk.error = undefined;
  store.isDown = true;
  await assert.rejects(control.createService(web), { code: "STORE_UNAVAILABLE" });
  store.isDown = false;
  assert.deepEqual(control.serviceNames(), []);
  assert.equal((await control.createService(web)).joinedList, false);
});

test("a service that can't be opened leaves a list alone that was there", async (t) => {
  const store = new FakeStore();
  const [one, two] = [start(t, store, "one"), start(t, store, "two")];
  await one.control.createService(web);
  two.disk.error = new Error("full");
  await assert.rejects(two.control.createService(web), /full/);
  assert.equal(listIn(store), `${A}=2`);
});

const deletion = { name: "web", withList: false, actor: "me" };
const withList = { ...deletion, withList: true };

test("a deleted service leaves its list, and says who serves it; the last proxy can remove it", async (t) => {
  const store = new FakeStore();
  const [one, two] = [start(t, store, "one"), start(t, store, "two")];
  for (const { control } of [one, two]) await control.createService(web);
  await assert.rejects(one.control.deleteService(withList), {
    code: "LIST_IN_USE",
    message: /served by name-two, too/,
  });
  assert.deepEqual([one.control.serviceNames(), listIn(store)], [["web"], `${A}=2`]);
  assert.deepEqual((await one.control.deleteService(deletion)).list, {
    removed: false,
    servedBy: ["name-two"],
  });
  assert.deepEqual((await two.control.deleteService(withList)).list, { removed: true, servedBy: [] });
  assert.deepEqual([two.control.serviceNames(), listIn(store), store.history("web")], [[], undefined, []]);
  const { joinedList, state } = await two.control.createService({ ...web, backends: [{ address: B }] });
  assert.deepEqual([joinedList, state.revision, state.backends[0]?.address], [false, 1, B]);
});

test("a list that was left can be removed through a proxy that has no such service", async (t) => {
  const store = new FakeStore();
  const [one, two] = [start(t, store, "one"), start(t, store, "two")];
  await one.control.createService(web);
  const none = { code: "SERVICE_NOT_FOUND" };
  await assert.rejects(two.control.deleteService(deletion), none);
  await assert.rejects(two.control.deleteService(withList), { code: "LIST_IN_USE" });
  assert.deepEqual((await one.control.deleteService(deletion)).list, { removed: false, servedBy: [] });
  assert.deepEqual((await two.control.deleteService(withList)).list, { removed: true, servedBy: [] });
  assert.equal(listIn(store), undefined);
  for (const { control } of [one, two]) await assert.rejects(control.deleteService(withList), none);
});

test("a proxy that drops the service in this moment is waited for", async (t) => {
  const store = new FakeStore();
  const [one, two] = [start(t, store, "one"), start(t, store, "two")];
  for (const { control } of [one, two]) await control.createService(web);
  const removed = one.control.deleteService(withList);
  await two.control.deleteService(deletion);
  assert.deepEqual((await removed).list, { removed: true, servedBy: [] });
});

test("while the store can't be asked, or is not followed, no list is removed and no service dropped for it", async (t) => {
  const store = new FakeStore();
  const { control, fleet } = start(t, store, "one");
  await control.createService(web);
  fleet.isCutOff = true;
  await assert.rejects(control.deleteService(withList), { code: "STORE_UNAVAILABLE" });
  store.isDown = true;
  await assert.rejects(control.deleteService(withList), { code: "STORE_UNAVAILABLE" });
  assert.deepEqual([control.serviceNames(), listIn(store)], [["web"], `${A}=2`]);
});

test("a list that could not be removed once the service was deleted is told of, and can be removed again", async (t) => {
  const store = new FakeStore();
  const { control } = start(t, store, "one");
  await control.createService(web);
  store.onReplace = () => {
    store.isDown = true;
    return Promise.resolve();
  };
  await assert.rejects(control.deleteService(withList), {
    code: "STORE_UNAVAILABLE",
    message: /^the service is deleted, but its list may be left/,
    details: { outcome: "unknown" },
  });
  store.onReplace = () => Promise.resolve();
  store.isDown = false;
  assert.deepEqual([control.serviceNames(), listIn(store)], [[], `${A}=2`]);
  assert.deepEqual((await control.deleteService(withList)).list, { removed: true, servedBy: [] });
});

test("a list that another proxy has joined while it was removed is put back by that one", async (t) => {
  const store = new FakeStore();
  const [one, two] = [start(t, store, "one"), start(t, store, "two")];
  await one.control.createService(web);
  let isFirst = true;
  store.onReplace = async () => {
    if (!isFirst) return;
    isFirst = false;
    await two.control.createService({ ...web, backends: [] });
  };
  await one.control.deleteService(withList);
  store.tell("web");
  const { revision } = await two.control.service("web").freshState();
  assert.deepEqual([revision, listIn(store)], [1, `${A}=2`]);
});
