import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import { GetRequest, SetRequest } from "@seamless/proto";
import { pino } from "pino";
import { NO_TRACER } from "../admin/tracer.js";
import { ask, startGrpc } from "../admin/testing/grpc-fixture.js";
import { startShim } from "../admin/testing/shim-fixture.js";
import { FakeManagement } from "../admin/testing/fake-management.js";
import { until } from "../admin/testing/waiting.js";
import { startCollector } from "./testing/collector.js";
import type { Environment } from "./trace-settings.js";
import { createTracing } from "./tracing.js";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";
const SERVER = 2;

/** Spans are sent when the tracing is closed, unless the environment says otherwise. */
function trace(environment: Environment) {
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  return { ...createTracing(environment, { version: "1.2.3", pid: 7, logger }), log };
}

async function startTraced(t: TestContext, environment: Environment) {
  const tracing = trace(environment);
  const { connect } = await startGrpc(t, undefined, { tracer: await tracing.tracer() });
  const client = connect();
  const get = (metadata = new Metadata()) => ask((done) => client.get(GetRequest.create({}), metadata, done));
  return { tracing, client, get };
}

function withParent(flags: string): Metadata {
  const metadata = new Metadata();
  metadata.set("traceparent", `00-${TRACE}-${PARENT}-${flags}`);
  metadata.set("tracestate", "vendor=1");
  return metadata;
}

test("a collector gets the spans of both interfaces, below their callers', and who they come from", async (t) => {
  const collector = await startCollector(t);
  const { tracing, client } = await startTraced(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_SERVICE_NAME: "edge",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test%201,service.name=other",
  });
  const { get } = await startShim(t, new FakeManagement(), { tracer: await tracing.tracer() });
  await ask((done) =>
    client.set(SetRequest.create({ backends: [{ address: "a:1" }] }), withParent("01"), done),
  );
  await get("/get");
  await tracing.close();
  const [rpc, http] = collector.spans.toSorted((a, b) => a.name.length - b.name.length).reverse();
  assert.ok(rpc && http && collector.spans.length === 2);
  assert.deepEqual(
    [rpc.name, rpc.kind, rpc.traceId, rpc.parentId, rpc.traceState, rpc.status],
    ["seamless.v1.SeamlessService/Set", SERVER, TRACE, PARENT, "vendor=1", 0],
  );
  assert.deepEqual(rpc.attributes, {
    "rpc.system": "grpc",
    "rpc.service": "seamless.v1.SeamlessService",
    "rpc.method": "Set",
    "rpc.grpc.status_code": 0,
    "seamless.service": "default",
    "seamless.revision": 2,
  });
  assert.ok(rpc.durationNs > 0n && rpc.durationNs < 60_000_000_000n);
  assert.deepEqual([http.name, http.kind, http.parentId], ["GET /get", SERVER, ""]);
  assert.notEqual(http.traceId, TRACE);
  const { "telemetry.sdk.name": sdk, ...resource } = rpc.resource;
  assert.equal(sdk, "opentelemetry");
  assert.deepEqual(
    [resource["service.name"], resource["service.version"], resource["process.pid"]],
    ["edge", "1.2.3", 7],
  );
  assert.equal(resource["deployment.environment"], "test 1");
  assert.deepEqual(
    collector.requests.map(({ path, headers }) => [path, headers["content-type"]]),
    [["/v1/traces", "application/x-protobuf"]],
  );
});

test("a fault of the proxy is an error of the span", async (t) => {
  const collector = await startCollector(t);
  const tracing = trace({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  const management = new FakeManagement();
  management.onAsk = () => {
    throw new Error("a bug");
  };
  const { get } = await startShim(t, management, { tracer: await tracing.tracer() });
  await get("/get");
  await tracing.close();
  assert.deepEqual(
    collector.spans.map(({ status, attributes }) => [status, attributes["error.type"]]),
    [[2, "INTERNAL"]],
  );
});

const SAMPLING = [
  [{}, "01", 1],
  [{}, "00", 0],
  [{ OTEL_TRACES_SAMPLER: "always_on" }, "00", 1],
  [{ OTEL_TRACES_SAMPLER: "always_off" }, "01", 0],
  [{ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, "01", 0],
  [{ OTEL_TRACES_SAMPLER: "parentbased_always_off" }, "01", 1],
  [{ OTEL_TRACES_SAMPLER: "parentbased_always_off" }, undefined, 0],
  [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0" }, undefined, 0],
  [{ OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "1" }, undefined, 1],
] as const;
for (const [environment, flags, sent] of SAMPLING) {
  const sampler = JSON.stringify(environment);
  test(`of a caller whose flags are ${flags ?? "not there"}, ${sampler} sends ${sent}`, async (t) => {
    const collector = await startCollector(t);
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    const { tracing, get } = await startTraced(t, { ...endpoint, ...environment });
    await get(flags === undefined ? new Metadata() : withParent(flags));
    await tracing.close();
    assert.equal(collector.spans.length, sent);
  });
}

test("spans are sent while the proxy runs", async (t) => {
  const collector = await startCollector(t);
  const { tracing, get } = await startTraced(t, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/own/path`,
    OTEL_BSP_SCHEDULE_DELAY: "1",
  });
  await get();
  await until(() => collector.spans.length === 1);
  assert.equal(collector.requests[0]?.path, "/own/path");
  await tracing.close();
});

test("what the collector refuses is told once, without its words", async (t) => {
  const collector = await startCollector(t, (response) => response.writeHead(401).end("your key is s3cret"));
  const { tracing, get } = await startTraced(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "1",
  });
  for (let sent = 1; sent <= 3; sent++) {
    await get();
    await until(() => collector.requests.length === sent);
  }
  await tracing.close();
  const told = tracing.log.filter((line) => line.includes("spans-lost"));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /"spans":1,"reason":"the collector answered 401"/);
  assert.ok(!tracing.log.join().includes("s3cret"));
});

const AWAY = [
  ["is down", async () => `http://127.0.0.1:${await closedPort()}`],
  ["hangs", async (t: TestContext) => (await startCollector(t, () => undefined)).url],
  ["accepts and says nothing", async (t: TestContext) => `http://127.0.0.1:${await silentPort(t)}`],
] as const;
for (const [how, start] of AWAY) {
  test(`a collector that ${how} delays no answer, and the end of the process by 2 s at most`, async (t) => {
    const { tracing, get } = await startTraced(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: await start(t),
      OTEL_EXPORTER_OTLP_TIMEOUT: "3500",
      OTEL_BSP_SCHEDULE_DELAY: "1",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1",
    });
    let startedMs = performance.now();
    for (let i = 0; i < 30; i++) await get();
    // A second each if they waited for the first retry.
    assert.ok(performance.now() - startedMs < 10_000);
    startedMs = performance.now();
    await tracing.close();
    assert.ok(performance.now() - startedMs < 3_000);
  });
}

test("without an endpoint there is nothing to trace with", async () => {
  const tracing = trace({});
  assert.equal(await tracing.tracer(), NO_TRACER);
  await tracing.close();
  assert.deepEqual(tracing.log, []);
});

test("what is wrong with the settings is told, and is no reason not to start", async () => {
  const tracing = trace({ OTEL_EXPORTER_OTLP_ENDPOINT: "nonsense" });
  assert.equal(await tracing.tracer(), NO_TRACER);
  await tracing.close();
  assert.match(tracing.log.join(), /"not-traced".*OTEL_EXPORTER_OTLP_ENDPOINT/);
});

test("a caller's broken headers are no parent", async (t) => {
  const collector = await startCollector(t);
  const { tracing, get } = await startTraced(t, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  for (const text of ["nonsense", `00-${"0".repeat(32)}-${PARENT}-01`, `ff-${TRACE}-${PARENT}-01`]) {
    const metadata = new Metadata();
    metadata.set("traceparent", text);
    await get(metadata);
  }
  await tracing.close();
  assert.deepEqual(
    collector.spans.map(({ parentId, traceId }) => [parentId, traceId === TRACE]),
    [
      ["", false],
      ["", false],
      ["", false],
    ],
  );
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function silentPort(t: TestContext): Promise<number> {
  const server = createServer((socket) => void socket.on("error", () => undefined).resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
