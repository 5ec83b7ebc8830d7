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
