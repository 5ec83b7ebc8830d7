import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import {
  DeployRequest,
  GetRequest,
  SetRequest,
  WatchBackendsRequest,
  type SeamlessServiceClient,
} from "@seamless/proto";
import { endDeploy } from "../control/deploy-status.js";
import { ProxyError } from "../errors.js";
import { createAccess } from "./access/access.js";
import { parseTokens } from "./access/token-book.js";
import { hashOf } from "./access/token-hash.js";
import { FakeManagement } from "./testing/fake-management.js";
import { ask, startGrpc } from "./testing/grpc-fixture.js";
import { createRecordingTracer, type RecordedSpan } from "./testing/recording-tracer.js";
import { startShim } from "./testing/shim-fixture.js";
import { until } from "./testing/waiting.js";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const backends = [{ address: "a:1" }];

async function startTraced(t: TestContext, options: Parameters<typeof startGrpc>[2] = {}) {
  const tracer = createRecordingTracer();
  const fixture = await startGrpc(t, undefined, { tracer, ...options });
  return { ...fixture, client: fixture.connect(), spans: tracer.spans };
}

/** The one span there is, once it has ended. */
async function onlyOf(spans: readonly RecordedSpan[]): Promise<RecordedSpan> {
  await until(() => spans[0] !== undefined && spans[0].state !== "open");
  assert.equal(spans.length, 1);
  return spans[0] ?? assert.fail();
}

const set = (client: SeamlessServiceClient, metadata: Metadata, service = "") =>
  ask((done) => client.set(SetRequest.create({ service, backends }), metadata, done));

test("a call is a span with its method, service and, after a change, the revision, below the caller's own", async (t) => {
  const { client, spans } = await startTraced(t);
  const metadata = new Metadata();
  metadata.set("traceparent", PARENT);
  metadata.set("tracestate", "vendor=1");
  await set(client, metadata);
  assert.deepEqual(await onlyOf(spans), {
    name: "seamless.v1.SeamlessService/Set",
    traceparent: PARENT,
    tracestate: "vendor=1",
    attributes: {
      "rpc.system": "grpc",
      "rpc.service": "seamless.v1.SeamlessService",
      "rpc.method": "Set",
      "rpc.grpc.status_code": 0,
      "seamless.service": "default",
      "seamless.revision": 2,
    },
    state: "ok",
  });
});

test("a call that only looks has no revision", async (t) => {
  const { client, spans } = await startTraced(t);
  await ask((done) => client.get(GetRequest.create({}), done));
  const { attributes, traceparent } = await onlyOf(spans);
  assert.equal(traceparent, undefined);
  assert.ok(!("seamless.revision" in attributes));
});

const MISTAKES = [
  [new ProxyError("REVISION_MISMATCH", "x"), 10, "REVISION_MISMATCH", "ok"],
  [new ProxyError("SHUTTING_DOWN", "x"), 14, "SHUTTING_DOWN", "fault"],
  [new Error("a bug that knows a secret"), 13, "INTERNAL", "fault"],
] as const;
for (const [error, code, reason, state] of MISTAKES) {
  test(`a call that fails with ${reason} says so by its stable code, without words`, async (t) => {
    const { client, spans, management } = await startTraced(t);
    management.onAsk = () => {
      throw error;
    };
    await assert.rejects(set(client, new Metadata()), { code });
    const span = await onlyOf(spans);
    const { "rpc.grpc.status_code": status, "error.type": type } = span.attributes;
    assert.deepEqual([status, type, span.state], [code, reason, state]);
    assert.ok(!JSON.stringify(span).includes("secret"));
  });
}

test("whoever may not is in the trace, and his token is not", async (t) => {
  const token = "sml_very-secret";
  const sha256 = hashOf(token).toString("hex");
  const book = parseTokens(`- {name: ci, sha256: ${sha256}, verbs: [read], services: "*"}`, "tokens.yaml");
  const { client, spans } = await startTraced(t, { access: createAccess(() => book) });
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  await assert.rejects(set(client, metadata), { code: 7 });
  await assert.rejects(set(client, new Metadata()), { code: 16 });
  await until(() => spans.length === 2 && spans.every(({ state }) => state === "ok"));
  assert.deepEqual(
    spans.map(({ attributes }) => attributes["error.type"]),
    ["PERMISSION_DENIED", "UNAUTHENTICATED"],
  );
  assert.ok(!JSON.stringify(spans).includes("very-secret"));
});

test("a stream is a span for as long as it lives, and ends as its reader or the server ends it", async (t) => {
  const { client, spans, server, management } = await startTraced(t);
  const watch = () =>
    client
      .watchBackends(WatchBackendsRequest.create({}))
      .on("error", () => undefined)
      .resume();
  const left = watch();
  await until(() => management.watchers === 1);
  assert.deepEqual(
    spans.map(({ state }) => state),
    ["open"],
  );
  left.cancel();
  await until(() => spans[0]?.state === "ok");
  watch();
  await until(() => management.watchers === 1);
  await server.close(0);
  await until(() => spans[1]?.state === "ok");
  assert.deepEqual(
    spans.map(({ name, attributes }) => [name.split("/")[1], attributes["rpc.grpc.status_code"]]),
    [
      ["WatchBackends", 1],
      ["WatchBackends", 0],
    ],
  );
});

test("a deploy is a span from its beginning to its verdict", async (t) => {
  const { client, spans, management } = await startTraced(t);
  const call = client.deploy(DeployRequest.create({ backends })).resume();
  await until(() => management.asked.some(([what]) => what === "deploy"));
  assert.deepEqual(
    spans.map(({ state }) => state),
    ["open"],
  );
  const ended = new Promise((resolve) => call.on("end", resolve));
  const verdict = { outcome: "switched", reason: "", revision: 2 } as const;
  management.deploys.publish(endDeploy(management.deployStatus, verdict, 1_700_000_000_250));
  await ended;
  const { name, attributes } = await onlyOf(spans);
  assert.match(name, /\/Deploy$/);
  assert.deepEqual([attributes["seamless.revision"], attributes["rpc.grpc.status_code"]], [2, 0]);
});

test("a stream that can't begin says why", async (t) => {
  const { client, spans } = await startTraced(t);
  client.watchBackends(WatchBackendsRequest.create({ service: "s3cret" })).on("error", () => undefined);
  const { attributes } = await onlyOf(spans);
  assert.ok(!("seamless.service" in attributes), "a name that is no service's is the client's own text");
  assert.deepEqual([attributes["rpc.grpc.status_code"], attributes["error.type"]], [5, "SERVICE_NOT_FOUND"]);
});

test("a request to the shim is a span with its route, below the caller's own", async (t) => {
  const tracer = createRecordingTracer();
  const { get } = await startShim(t, new FakeManagement(), { tracer });
  await get("/set?backends=a:1&token=s3cret", `traceparent: ${PARENT}`, "tracestate: vendor=1");
  assert.deepEqual(await onlyOf(tracer.spans), {
    name: "GET /set",
    traceparent: PARENT,
    tracestate: "vendor=1",
    attributes: {
      "http.request.method": "GET",
      "http.route": "/set",
      "http.response.status_code": 200,
      "url.path": "/set",
      "url.scheme": "http",
      "seamless.service": "default",
      "seamless.revision": 2,
    },
    state: "ok",
  });
});

const REFUSED = [
  ["GET", "/set?backends=a:1", ["Origin: http://evil.example"], "GET /set", 403, "403", "ok"],
  ["GET", "/s3cret", [], "GET", 404, "404", "ok"],
  ["PROPFIND", "/get", [], "HTTP /get", 405, "405", "ok"],
  ["GET", "/add", [], "GET /add", 400, "INVALID_ARGUMENT", "ok"],
  ["GET", "/get?service=s3cret", [], "GET /get", 404, "SERVICE_NOT_FOUND", "ok"],
  ["GET", "/remove?backend=c:3", [], "GET /remove", 400, "BACKEND_NOT_FOUND", "ok"],
  ["GET", "/add?backend=b:2", [], "GET /add", 500, "INTERNAL", "fault"],
] as const;
for (const [method, target, headers, name, status, reason, state] of REFUSED) {
  test(`${method} ${target} answers ${status}, and its span ends with ${reason}`, async (t) => {
    const tracer = createRecordingTracer();
    const management = new FakeManagement();
    management.onAsk = (asked) => {
      if (asked === "remove") throw new ProxyError("BACKEND_NOT_FOUND", "x");
      if (asked === "add") throw new Error("a bug");
    };
    const { request } = await startShim(t, management, { tracer });
    assert.equal((await request(method, target, ...headers)).status, status);
    const span = await onlyOf(tracer.spans);
    const { "http.response.status_code": code, "error.type": type } = span.attributes;
    assert.deepEqual([span.name, code, type, span.state], [name, status, reason, state]);
    assert.ok(!JSON.stringify(span).includes("s3cret"));
  });
}
