import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { SetRequest } from "@seamless/proto";
import { createAccess, type Access } from "./access/access.js";
import { hashOf } from "./access/token-hash.js";
import { parseTokens } from "./access/token-book.js";
import { ManagementRefusals } from "./management-refusals.js";
import { FakeManagement } from "./testing/fake-management.js";
import { ask, startGrpc } from "./testing/grpc-fixture.js";
import { exchange } from "./testing/raw-http.js";
import { startShim } from "./testing/shim-fixture.js";

const TOKEN = "sml_reader";

function readersOnly(): Access {
  const sha256 = hashOf(TOKEN).toString("hex");
  const book = parseTokens(`- {name: ci, sha256: ${sha256}, verbs: [read], services: "*"}`, "tokens.yaml");
  return createAccess(() => book);
}

const counted = (refusals: ManagementRefusals, server: "grpc" | "http"): object =>
  Object.fromEntries([...refusals.of(server)].filter(([, count]) => count > 0));

test("calls without a token, or with one that may less, are counted", async (t) => {
  const { connect: connectClient, refusals } = await startGrpc(t, undefined, { access: readersOnly() });
  const client = connectClient();
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${TOKEN}`);
  const set = (by: Metadata): Promise<unknown> =>
    ask((done) => client.set(SetRequest.create({ backends: [{ address: "a:1" }] }), by, done));
  await assert.rejects(set(metadata), { code: status.PERMISSION_DENIED });
  await assert.rejects(set(new Metadata()), { code: status.UNAUTHENTICATED });
  assert.deepEqual(counted(refusals, "grpc"), { forbidden: 1, unauthenticated: 1 });
});

test("what the curl interface refuses is counted by cause, and is in the metrics", async (t) => {
  const refusals = new ManagementRefusals();
  const { get, post, port } = await startShim(t, new FakeManagement(), { access: readersOnly(), refusals });
  const bearer = `Authorization: Bearer ${TOKEN}`;
  assert.equal((await get("/get")).status, 401);
  assert.equal((await get("/set?backends=a:1", bearer)).status, 403);
  assert.equal((await get("/set?backends=a:1", bearer, "Origin: https://a.example")).status, 403);
  assert.match(await exchange(port, "CONNECT localhost:22 HTTP/1.1\r\n\r\n"), /^HTTP\/1\.1 403/);
  assert.equal((await get("/get", `X: ${"x".repeat(8 * 1_024)}`)).status, 431);
  assert.equal((await post("/set", "x".repeat(1_000_000), bearer)).status, 413);
  assert.match(await exchange(port, "nonsense\r\n\r\n"), /^HTTP\/1\.1 400/);
  const text = (await get("/metrics", bearer)).body;
  for (const line of [
    'seamless_management_refused_total{server="http",cause="too_large"} 2',
    'seamless_management_refused_total{server="http",cause="slow"} 0',
    'seamless_management_refused_total{server="grpc",cause="no_call"} 0',
  ])
    assert.ok(text.includes(`${line}\n`), line);

  const idle = Array.from({ length: 64 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  t.after(() => idle.forEach((socket) => socket.destroy()));
  await Promise.all(idle.map((socket) => once(socket, "connect")));
  assert.equal(await exchange(port, "GET /get HTTP/1.1\r\n\r\n"), "");
  const expected = { connections: 1, forbidden: 3, malformed: 1, "too-large": 2, unauthenticated: 1 };
  assert.deepEqual(counted(refusals, "http"), expected);
});
