import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createMetrics } from "./metrics.js";
import { fakeBackend, FakeManagement } from "./testing/fake-management.js";
import { startShim } from "./testing/shim-fixture.js";

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
  const text = await createMetrics(managementWith()).text(() => true);
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

test("the dashboard asks for metrics that there are", async () => {
  const text = await createMetrics(managementWith()).text(() => true);
  const dashboard = readFileSync(
    new URL("../../../examples/grafana-dashboard.json", import.meta.url),
    "utf8",
  );
  const names = new Set(dashboard.match(/seamless_\w+/g));
  assert.ok(names.size > 10);
  for (const name of names) assert.match(text, new RegExp(`^${name}[{ ]`, "m"));
});

test("a service that is not to be seen has no metrics", async () => {
  const text = await createMetrics(managementWith()).text(() => false);
  assert.doesNotMatch(text, /service="/);
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
