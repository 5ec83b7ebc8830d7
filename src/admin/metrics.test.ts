import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { StoreStatus } from "../control/fleet.js";
import { ANYONE } from "./access/principal.js";
import { ManagementRefusals } from "./management-refusals.js";
import { createMetrics, type Metrics } from "./metrics.js";
import { fakeBackend, FakeManagement } from "./testing/fake-management.js";
import { startShim } from "./testing/shim-fixture.js";

const metricsOf = (management: FakeManagement): Metrics =>
  createMetrics(management, new ManagementRefusals());

function managementWith(): FakeManagement {
  const management = new FakeManagement();
  const { counters } = fakeBackend("10.0.0.1:80");
  const connectTimes = { boundsS: [0.5, 2], counts: [2, 3, 4], sumS: 17.5 };
  const backend = fakeBackend("10.0.0.1:80", {
    status: "draining",
    weight: 3,
    counters: { ...counters, connectTimes },
  });
  const ledger = {
    ...management.present.ledger,
    leftEarly: 5,
    ends: { ...management.present.ledger.ends, idle: 6 },
  };
  management.present = {
    ...management.present,
    revision: 7,
    backends: [backend],
    ledger,
    acceptedConnections: 9,
    refusals: { ...management.present.refusals, "client-limit": 4 },
  };
  return management;
}

test("what is counted is there under its conventional name", async () => {
  const text = await metricsOf(managementWith()).text(ANYONE);
  for (const line of [
    'seamless_build_info{version="1.2.3",engine="fake"} 1',
    'seamless_service_revision{service="default"} 7',
    'seamless_connections_accepted_total{service="default"} 9',
    'seamless_connections_ended_total{service="default",cause="idle"} 6',
    'seamless_connections_unserved_total{service="default",cause="left_early"} 5',
    'seamless_connections_refused_total{service="default",limit="client_limit"} 4',
    'seamless_backend_draining{service="default",backend="10.0.0.1:80"} 1',
    'seamless_backend_active{service="default",backend="10.0.0.1:80"} 0',
    'seamless_backend_weight{service="default",backend="10.0.0.1:80"} 3',
    "# TYPE seamless_backend_connect_seconds histogram",
    'seamless_backend_connect_seconds_bucket{service="default",backend="10.0.0.1:80",le="0.5"} 2',
    'seamless_backend_connect_seconds_bucket{service="default",backend="10.0.0.1:80",le="2"} 5',
    'seamless_backend_connect_seconds_bucket{service="default",backend="10.0.0.1:80",le="+Inf"} 9',
    'seamless_backend_connect_seconds_sum{service="default",backend="10.0.0.1:80"} 17.5',
    'seamless_backend_connect_seconds_count{service="default",backend="10.0.0.1:80"} 9',
  ])
    assert.ok(text.includes(`${line}\n`), line);
  assert.match(text, /^nodejs_eventloop_lag_seconds /m);
});

/** One of two proxies whose store is as it says. */
function managementOfFleet(store: Omit<StoreStatus, "kind">): FakeManagement {
  const management = managementWith();
  const [one, two] = ["one", "two"].map((id) => {
    return { id, name: id, version: "1", startedUnixMs: 0, sharesName: false, services: [] };
  });
  management.store = { kind: "etcd", ...store };
  management.fleetView = {
    self: "one",
    members: [one, two].flatMap((each) => each ?? []),
    store: management.store,
  };
  return management;
}

test("a store that is followed is 0 s behind; one that is lost is so far behind as it has been lost", async () => {
  const good = { available: true, staleSinceUnixMs: undefined, error: "" };
  const text = await metricsOf(managementOfFleet(good)).text(ANYONE);
  for (const line of [
    'seamless_store_available{kind="etcd"} 1',
    'seamless_store_stale_seconds{kind="etcd"} 0',
    "seamless_fleet_proxies 2",
  ])
    assert.ok(text.includes(`${line}\n`), line);
  const lost = { available: false, staleSinceUnixMs: Date.now() - 60_000, error: "down" };
  const without = await metricsOf(managementOfFleet(lost)).text(ANYONE);
  assert.match(without, /^seamless_store_available\{kind="etcd"\} 0$/m);
  const [, staleS] = /^seamless_store_stale_seconds\{kind="etcd"\} (.*)$/m.exec(without) ?? [];
  assert.ok(Number(staleS) >= 60 && Number(staleS) < 120, staleS);
});

test("the clock was set back since the store was lost: it is not less than 0 s behind", async () => {
  const lost = { available: false, staleSinceUnixMs: Date.now() + 60_000, error: "down" };
  const text = await metricsOf(managementOfFleet(lost)).text(ANYONE);
  assert.match(text, /^seamless_store_stale_seconds\{kind="etcd"\} 0$/m);
});

test("a proxy that is alone has no fleet to count", async () => {
  const text = await metricsOf(managementWith()).text(ANYONE);
  assert.match(text, /^seamless_store_available\{kind="memory"\} 1$/m);
  assert.doesNotMatch(text, /seamless_fleet/);
});

test("the dashboard asks for metrics that there are", async () => {
  const good = { available: true, staleSinceUnixMs: undefined, error: "" };
  const text = await metricsOf(managementOfFleet(good)).text(ANYONE);
  const dashboard = readFileSync(
    new URL("../../../examples/grafana-dashboard.json", import.meta.url),
    "utf8",
  );
  const names = new Set(dashboard.match(/\b(seamless|nodejs|process)_\w+/g));
  assert.ok(names.size > 10);
  for (const name of names) assert.match(text, new RegExp(`^${name}[{ ]`, "m"));
});

test("the page on metrics names those that there are, and no others", async () => {
  const good = { available: true, staleSinceUnixMs: undefined, error: "" };
  const text = await metricsOf(managementOfFleet(good)).text(ANYONE);
  const there = Array.from(text.matchAll(/^# TYPE (seamless_\w+)/gm), ([, name = ""]) => name);
  const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
  // In a row, what begins with _ has the beginning of the first name, up to one of its own underscores.
  const named = Array.from(page.matchAll(/^\| (`seamless_[^|]*)/gm)).flatMap(([, cell = ""]) => {
    const [first = "", ...others] = Array.from(cell.matchAll(/`(\w+)`/g), ([, name = ""]) => name);
    const words = first.split("_");
    const ofRow = (end: string) => words.map((_, i) => words.slice(0, i + 1).join("_") + end);
    return [first, ...others.map((end) => ofRow(end).find((name) => there.includes(name)) ?? end)];
  });
  assert.deepEqual(named.sort(), there.sort());
});

test("a service that is not to be seen has no metrics", async () => {
  const text = await metricsOf(managementWith()).text({ services: new Set() });
  assert.doesNotMatch(text, /service="|^seamless_management_refused_total/m);
});

test("they are served beside the curl interface, to Prometheus and not to a web page", async (t) => {
  const { curl, port } = await startShim(t, managementWith());
  const answer = await curl(`http://127.0.0.1:${port}/metrics`, "-A", "Prometheus/2.53");
  assert.match(answer, /^HTTP\/1\.1 200/);
  assert.match(answer, /Content-Type: text\/plain; version=0\.0\.4/);
  assert.match(answer, /^seamless_max_connections 2$/m);
  assert.match(
    await curl(`http://127.0.0.1:${port}/metrics`, "-H", "Origin: https://a.example"),
    /^HTTP\/1\.1 403/,
  );
});
