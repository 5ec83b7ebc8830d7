import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect } from "@seamless/sdk";
import { run } from "../support/process.js";
import { daemon, startProxy, type ProxyOptions } from "../support/proxy.js";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** A collector that keeps what it gets as it is, and answers or hangs. */
async function startCollector(t: TestContext, answers = true) {
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    request.on("data", (chunk: Buffer) => bodies.push(chunk));
    request.on("end", () => {
      if (answers) response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { received: () => Buffer.concat(bodies), endpoint: `http://127.0.0.1:${port}` };
}

function startWith(t: TestContext, environment: Record<string, string>, options: Partial<ProxyOptions> = {}) {
  const wrapper = ["env", ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
  return startProxy(t, { backends: ["127.0.0.1:1"], wrapper, ...options });
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("a proxy that stops sends the spans it still has, without the token that they came with", async (t) => {
  const collector = await startCollector(t);
  const made = await run(process.execPath, [daemon, "token", "ci"]);
  const tokens = join(folder(t), "tokens.yaml");
  writeFileSync(tokens, made.stderr, { mode: 0o600 });
  const token = made.stdout.trim();
  const proxy = await startWith(
    t,
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
    { args: ["--tokens", tokens] },
  );
  await proxy.logged("tracing");
  const headers = { authorization: `Bearer ${token}`, traceparent: PARENT };
  const client = connect({ address: proxy.grpc, token });
  t.after(() => client.close());
  await client.add(["127.0.0.1:2"]);
  assert.equal(
    (await fetch(`${proxy.http}/add?backend=127.0.0.1:3&token=${token}`, { headers })).status,
    403,
  );
  await client.get();
  assert.equal(await proxy.stop(), 0);
  const received = collector.received();
  for (const said of [
    "seamless.v1.SeamlessService/Add",
    "seamless.v1.SeamlessService/Get",
    "GET /add",
    "seamless",
  ])
    assert.ok(received.includes(said), said);
  assert.ok(received.includes(Buffer.from("0af7651916cd43dd8448eb211c80319c", "hex")));
  const [secret = ""] = /[\w-]{20,}$/.exec(token) ?? [];
  assert.ok(secret.length >= 20 && !received.includes(secret));
});

test("a collector that hangs keeps a proxy that stops for 2 s at most", async (t) => {
  const collector = await startCollector(t, false);
  const proxy = await startWith(t, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
  await proxy.client.add(["127.0.0.1:2"]);
  proxy.client.close();
  const startedMs = performance.now();
  assert.equal(await proxy.stop(), 0);
  assert.ok(performance.now() - startedMs < 5_000);
});

/** Whether the program loads OpenTelemetry, by Node's own record of what it has run. */
async function loads(t: TestContext, environment: Record<string, string>): Promise<boolean> {
  const coverage = folder(t);
  const proxy = await startWith(t, { ...environment, NODE_V8_COVERAGE: coverage });
  assert.equal(await proxy.stop(), 0);
  const records = readdirSync(coverage).map((name) => readFileSync(join(coverage, name), "utf8"));
  assert.ok(records.some((record) => record.includes("src/dist/start-proxy.js")));
  return records.some((record) => record.includes("node_modules/@opentelemetry/sdk-trace/"));
}

test("OpenTelemetry is loaded only if there is an endpoint", async (t) => {
  const OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:1";
  assert.equal(await loads(t, {}), false);
  assert.equal(await loads(t, { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: "true" }), false);
  assert.equal(await loads(t, { OTEL_EXPORTER_OTLP_ENDPOINT }), true);
});
