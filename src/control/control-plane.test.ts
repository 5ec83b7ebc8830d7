import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { pino } from "pino";
import type { ListenAddress } from "../engine/engine.js";
import { ControlPlane } from "./control-plane.js";
import type { ServiceConfig } from "./service-config.js";
import type { ServiceRecord } from "./service-record.js";
import { DEFAULT_SETTINGS } from "./service-settings.js";
import { FakeEngine } from "./testing/fake-engine.js";

const configured = (name: string, change: Partial<ServiceConfig> = {}): ServiceConfig => ({
  name,
  listen: [{ host: "127.0.0.1", port: 8080 }],
  backends: [{ address: "10.0.0.1:80" }],
  settings: DEFAULT_SETTINGS,
  ...change,
});

interface Started {
  readonly control: ControlPlane;
  readonly engine: FakeEngine;
  /** The names of the services in each save. */
  readonly saved: ServiceRecord[][];
  /** What saving fails with from now on. */
  readonly disk: { error: Error | undefined };
}

async function start(t: TestContext, ...services: readonly ServiceConfig[]): Promise<Started> {
  const engine = new FakeEngine();
  const saved: ServiceRecord[][] = [];
  const disk: Started["disk"] = { error: undefined };
  const control = new ControlPlane({
    engine,
    version: "1",
    instanceId: "one",
    checker: () => Promise.resolve(),
    save: (records) => {
      if (disk.error) return Promise.reject(disk.error);
      saved.push([...records]);
      return Promise.resolve();
    },
    logger: pino({ level: "silent" }),
    logRate: 10,
  });
  t.after(() => control.close(0));
  await control.reconfigure(services);
  return { control, engine, saved, disk };
}

const request = { listen: ["8081"], backends: [], settings: {}, actor: "me" };
const deletion = (name: string) => ({ name, withList: false, actor: "me" });
const listOf = (control: ControlPlane, name: string): string[] =>
  control
    .service(name)
    .state()
    .backends.map(({ address }) => address);

test("a created service is there, is saved with its definition, and can be deleted", async (t) => {
  const { control, saved } = await start(t, configured("default"));
  const { state, joinedList } = await control.createService({
    ...request,
    name: "web",
    backends: [{ address: "10.0.0.2:80" }],
    settings: { idleTimeoutMs: 5_000 },
  });
  assert.deepEqual([state.service, state.settings.idleTimeoutMs], ["web", 5_000]);
  assert.equal(joinedList, false);
  assert.deepEqual(control.serviceNames(), ["default", "web"]);
  const record = saved.at(-1)?.find(({ name }) => name === "web");
  assert.deepEqual(record?.definition?.listen, [{ host: "", port: 8081 }]);
  await control.deleteService(deletion("web"));
  assert.deepEqual(control.serviceNames(), ["default"]);
  assert.deepEqual(
    saved.at(-1)?.map(({ name }) => name),
    ["default"],
  );
  assert.throws(() => control.service("web"), { code: "SERVICE_NOT_FOUND" });
  await control.createService({ ...request, name: "web" });
});

test("a service can be created without backends, and then be given some", async (t) => {
  const { control } = await start(t, configured("default"));
  await control.createService({ ...request, name: "web" });
  await control.service("web").add([{ address: "10.0.0.2:80" }]);
  assert.deepEqual(listOf(control, "web"), ["10.0.0.2:80"]);
});

for (const [what, wrong, code] of [
  ["a name that is taken", { name: "default" }, "SERVICE_EXISTS"],
  ["a name that is none", { name: "a b" }, "INVALID_ARGUMENT"],
  ["no address", { listen: [] }, "INVALID_ARGUMENT"],
  ["an address that is none", { listen: ["web.example:1"] }, "INVALID_ADDRESS"],
  ["a setting out of range", { settings: { connectTimeoutMs: 0 } }, "INVALID_ARGUMENT"],
  ["a backend that is none", { backends: [{ address: "a" }] }, "INVALID_ADDRESS"],
  ["a backend that is itself", { backends: [{ address: "127.0.0.1:8081" }] }, "FORBIDDEN_BACKEND"],
] as const) {
  test(`a service with ${what} is refused, and nothing has changed`, async (t) => {
    const { control, saved } = await start(t, configured("default"));
    const before = saved.length;
    await assert.rejects(control.createService({ ...request, name: "web", ...wrong }), { code });
    assert.deepEqual(control.serviceNames(), ["default"]);
    assert.equal(saved.length, before);
  });
}

test("a service of the configuration can't be deleted by a request", async (t) => {
  const { control } = await start(t, configured("default"));
  await assert.rejects(control.deleteService(deletion("default")), { code: "SERVICE_CONFIGURED" });
  await assert.rejects(control.deleteService(deletion("other")), { code: "SERVICE_NOT_FOUND" });
});

test("a changed configuration opens what is new, drops what is gone, and leaves the rest alone", async (t) => {
  const before = [configured("a"), configured("b"), configured("c")];
  const { control } = await start(t, ...before);
  await control.createService({ ...request, name: "made" });
  for (const name of ["a", "b"]) await control.service(name).set([{ address: "10.0.0.9:80" }]);
  const next = [
    configured("a"),
    configured("b", { backends: [{ address: "10.0.0.7:80" }] }),
    configured("d"),
  ];
  await control.reconfigure(next);
  assert.deepEqual(control.serviceNames(), ["a", "b", "d", "made"]);
  assert.deepEqual([listOf(control, "a"), listOf(control, "b")], [["10.0.0.9:80"], ["10.0.0.7:80"]]);
  assert.equal(control.service("a").state().revision, 2);
  assert.equal(control.service("b").history()[0]?.actor, "reload");
});

test("settings and addresses change in place", async (t) => {
  const before = [configured("a")];
  const { control, engine } = await start(t, ...before);
  const listen: ListenAddress[] = [{ path: "/run/a.sock" }];
  const settings = { ...DEFAULT_SETTINGS, maxConnections: 7 };
  await control.reconfigure([configured("a", { listen, settings })]);
  assert.deepEqual(engine.listened.at(-1), listen);
  assert.equal(engine.configured.at(-1)?.maxConnections, 7);
  assert.equal(control.service("a").state().settings.maxConnections, 7);
  assert.equal(control.service("a").state().revision, 1);
});

test("a port that the proxy has left can be a backend's", async (t) => {
  const { control } = await start(t, configured("a", { listen: [{ host: "127.0.0.1", port: 8081 }] }));
  await control.enter();
  const own = [{ address: "127.0.0.1:8081" }];
  await assert.rejects(control.service("a").set(own), { code: "FORBIDDEN_BACKEND" });
  await control.reconfigure([configured("a")]);
  await control.service("a").set(own);
  assert.deepEqual(listOf(control, "a"), ["127.0.0.1:8081"]);
});

test("a configuration with a service that can't be opened changes nothing, and the next one goes on", async (t) => {
  const { control, engine } = await start(t, configured("a"));
  engine.refuse = "c";
  const wanted = ["a", "b", "c"].map((name) => configured(name, { listen: [{ path: `/run/${name}` }] }));
  const before = control.service("a").addresses;
  await assert.rejects(control.reconfigure(wanted), /c can't be opened/);
  assert.deepEqual([control.serviceNames(), control.service("a").addresses], [["a"], before]);
  engine.refuse = undefined;
  await control.reconfigure(wanted);
  assert.deepEqual(control.serviceNames(), ["a", "b", "c"]);
});

test("a configuration with a backend that is forbidden changes nothing, and no service is dropped", async (t) => {
  const listen = [{ host: "127.0.0.1", port: 8081 }];
  const { control } = await start(t, configured("a", { listen }), configured("b"));
  const own = { backends: [{ address: "127.0.0.1:8082" }] };
  const next = [configured("c", { listen: [{ host: "127.0.0.1", port: 8082 }] }), configured("b", own)];
  await assert.rejects(control.reconfigure(next), { code: "FORBIDDEN_BACKEND" });
  assert.deepEqual(control.serviceNames(), ["a", "b"]);
  assert.deepEqual(listOf(control, "b"), ["10.0.0.1:80"]);
});

test("a service can be renamed: the new one is opened where the old one was", async (t) => {
  const listen = [{ host: "127.0.0.1", port: 8081 }];
  const { control, engine } = await start(t, configured("a", { listen }));
  await control.reconfigure([configured("b", { listen }), configured("c")]);
  assert.deepEqual(control.serviceNames(), ["b", "c"]);
  assert.deepEqual(engine.listened.at(-1), listen);
});

test("a deletion that can't be stored is none: the service goes on, and can be deleted later", async (t) => {
  const { control, disk } = await start(t, configured("default"));
  await control.createService({ ...request, name: "web" });
  disk.error = new Error("full");
  await assert.rejects(control.deleteService(deletion("web")), /full/);
  assert.deepEqual(control.serviceNames(), ["default", "web"]);
  disk.error = undefined;
  await control.service("web").add([{ address: "10.0.0.2:80" }]);
  await control.deleteService(deletion("web"));
  assert.deepEqual(control.serviceNames(), ["default"]);
});
