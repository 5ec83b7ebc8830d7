import { ManagementRefusals } from "./management-refusals.js";
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { pino } from "pino";
import { createNodeEngine } from "../engine/node/node-engine.js";
import { QUIET } from "../engine/testing/rig.js";
import { ProxyError, type ProxyErrorCode } from "../errors.js";
import { startHttpShim } from "./http-server.js";
import { fakeBackend, FakeManagement } from "./testing/fake-management.js";
import { closeOf, createGate } from "./testing/waiting.js";
import { exchange, parseAnswer, send, type RawAnswer } from "./testing/raw-http.js";
import { startReal, startShim, type Shim } from "./testing/shim-fixture.js";
import { createAccess } from "./access/access.js";

const startWithEngine = (t: TestContext): Promise<Shim> =>
  startReal(t, createNodeEngine({ maxConnections: 10, ...QUIET }));

const logger = pino({ enabled: false });

test("get, set, add and remove answer with the list, as the original does", async (t) => {
  const { get } = await startWithEngine(t);
  for (const [target, list] of [
    ["/get", "127.0.0.1:1,127.0.0.1:2"],
    ["/add?backend=127.0.0.1:3", "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"],
    ["/add?backend=127.0.0.1:3", "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3"],
    ["/remove?backend=127.0.0.1:2", "127.0.0.1:1,127.0.0.1:3"],
    ["/set?backends=127.0.0.1:7,127.0.0.1:8", "127.0.0.1:7,127.0.0.1:8"],
    ["/set?backends=%20127.0.0.1:4%20,+127.0.0.1:5", "127.0.0.1:4,127.0.0.1:5"],
    ["/set?service=default&backends=[::1]:4", "[::1]:4"],
    ["/remove?backend=[::1]:4", ""],
    ["/get?service=", ""],
  ] as const) {
    const { status, headers, body } = await get(target);
    assert.deepEqual([status, body], [200, `${list}\n`], target);
    assert.equal(headers["content-type"], "text/plain");
  }
});

test("an address given twice has weight 2, and setting what was read changes nothing", async (t) => {
  const { get } = await startWithEngine(t);
  const { body } = await get("/set?backends=127.0.0.1:1,127.0.0.1:2,127.0.0.1:1");
  assert.equal(body, "127.0.0.1:1,127.0.0.1:1,127.0.0.1:2\n");
  assert.equal((await get(`/set?backends=${body.trim()}`)).body, body);
});

test("draining backends are not listed, and those set aside are", async (t) => {
  const management = new FakeManagement();
  const statuses = ["active", "unresolved", "ejected", "draining"] as const;
  management.publish(statuses.map((status) => fakeBackend(`${status}:1`, { status, weight: 2 })));
  const { get } = await startShim(t, management);
  assert.equal((await get("/get")).body, "active:1,active:1,unresolved:1,unresolved:1,ejected:1,ejected:1\n");
});

test("what is wrong with a request is said in the original's words", async (t) => {
  const { get } = await startWithEngine(t);
  for (const [target, text] of [
    ["/set", "error: '' is not valid network address"],
    ["/set?backends=", "error: '' is not valid network address"],
    ["/set?backends=127.0.0.1:1,,", "error: '' is not valid network address"],
    ["/set?backends=127.0.0.1:1,%20x", "error: 'x' is not valid network address"],
    ["/set?backends=localhost", "error: 'localhost' is not valid network address"],
    ["/add", "error: missing 'backend' parameter"],
    ["/add?backend=", "error: missing 'backend' parameter"],
    ["/add?backend=h%C3%A9:1", "error: 'hé' is not valid network address".replace("hé", "hé:1")],
    ["/remove", "missing 'backend' parameter"],
    ["/remove?backend=127.0.0.1:9", "backend '127.0.0.1:9' not found"],
    ["/remove?backend=nonsense", "backend 'nonsense' not found"],
  ] as const) {
    const { status, headers, body } = await get(target);
    assert.deepEqual([status, Buffer.from(body, "latin1").toString()], [400, `${text}\n`], target);
    assert.equal(headers["content-type"], "text/plain; charset=utf-8");
  }
  assert.equal((await get("/get")).body, "127.0.0.1:1,127.0.0.1:2\n");
});

test("a service that does not exist is 404", async (t) => {
  const { get } = await startWithEngine(t);
  const { status, body } = await get("/get?service=other");
  assert.deepEqual([status, body], [404, "error: service 'other' not found; there is: default\n"]);
});

const FAILURES: readonly (readonly [ProxyErrorCode, number])[] = [
  ["FORBIDDEN_BACKEND", 400],
  ["INVALID_ARGUMENT", 400],
  ["LIMIT_EXCEEDED", 400],
  ["REVISION_MISMATCH", 400],
  ["SHUTTING_DOWN", 503],
  ["STORE_UNAVAILABLE", 503],
];

for (const [code, status] of FAILURES) {
  test(`${code} is ${status} with the error's own text`, async (t) => {
    const management = new FakeManagement();
    management.onAsk = (kind) => {
      if (kind === "set") throw new ProxyError(code, "the reason");
    };
    const { get } = await startShim(t, management);
    const answer = await get("/set?backends=a:1");
    assert.deepEqual([answer.status, answer.body], [status, "error: the reason\n"]);
  });
}

for (const how of ["throws", "rejects"] as const) {
  test(`a bug that ${how} is 500 without a word on what it was, and the next request works`, async (t) => {
    const management = new FakeManagement();
    const { get } = await startShim(t, management);
    for (const target of ["/get", "/set?backends=a:1", "/add?backend=a:1", "/remove?backend=a:1"]) {
      const error = new TypeError("a secret");
      const isChange = target !== "/get";
      management.onAsk = (kind): unknown => {
        if (how === "throws" || !isChange) throw error;
        return kind === "service" ? undefined : Promise.reject(error);
      };
      const { status, body } = await get(target);
      assert.equal(status, 500, target);
      assert.doesNotMatch(body, /secret/);
      management.onAsk = () => undefined;
      assert.equal((await get("/get")).status, 200);
    }
  });
}

test("a form works like a query, and goes before it, as in the original", async (t) => {
  const { get, post } = await startWithEngine(t);
  assert.equal(
    (await post("/set", "backends=127.0.0.1%3A5%2C+127.0.0.1:6")).body,
    "127.0.0.1:5,127.0.0.1:6\n",
  );
  assert.equal((await post("/add?backend=127.0.0.1:7", "")).body, "127.0.0.1:5,127.0.0.1:6,127.0.0.1:7\n");
  assert.equal((await post("/remove?backend=127.0.0.1:9", "backend=127.0.0.1:5")).status, 200);
  assert.equal((await post("/get", "")).body, "127.0.0.1:6,127.0.0.1:7\n");
  assert.equal((await get("/get")).body, "127.0.0.1:6,127.0.0.1:7\n");
});

test("a body that is no form is not read as one", async (t) => {
  const { port } = await startWithEngine(t);
  const lines = [
    `POST /add HTTP/1.1`,
    `Host: localhost:${port}`,
    "Content-Type: text/plain",
    "Content-Length: 19",
  ];
  assert.equal((await send(port, lines, "backend=127.0.0.1:9")).body, "error: missing 'backend' parameter\n");
});

test("a form larger than 8 KiB is 413, by its length or in pieces, and nothing is done", async (t) => {
  const { post, port, get, curl } = await startWithEngine(t);
  const body = `backend=127.0.0.1:9&x=${"x".repeat(8 * 1_024)}`;
  assert.equal((await post("/add", body)).status, 413);
  const piece = `${body.length.toString(16)}\r\n${body}\r\n`;
  const lines = ["POST /add HTTP/1.1", `Host: localhost:${port}`, "Transfer-Encoding: chunked"];
  const chunked = [...lines, "Content-Type: application/x-www-form-urlencoded"];
  assert.equal((await send(port, chunked, `${piece}0\r\n\r\n`)).status, 413);
  const url = `http://localhost:${port}/add`;
  assert.match(await curl("--data", body.repeat(4), url), /^HTTP\/1.1 413 /);
  assert.equal((await get("/get")).body, "127.0.0.1:1,127.0.0.1:2\n");
});

test("HEAD is for /get only, and has the headers of a GET", async (t) => {
  const { port, get } = await startWithEngine(t);
  const head = (path: string): Promise<RawAnswer> =>
    send(port, [`HEAD ${path} HTTP/1.1`, `Host: localhost:${port}`]);
  const { status, headers, body } = await head("/get");
  assert.deepEqual([status, body], [200, ""]);
  assert.equal(headers["content-length"], (await get("/get")).headers["content-length"]);
  assert.equal((await head("/set?backends=127.0.0.1:9")).status, 405);
  assert.equal((await get("/get")).body, "127.0.0.1:1,127.0.0.1:2\n");
});

test("other methods are 405 and say which are allowed", async (t) => {
  const { port } = await startWithEngine(t);
  for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]) {
    const lines = [`${method} /set?backends=127.0.0.1:9 HTTP/1.1`, `Host: localhost:${port}`];
    const { status, headers } = await send(port, lines);
    assert.deepEqual([status, headers["allow"]], [405, "GET, POST"], method);
  }
  const { status, headers } = await send(port, ["DELETE /get HTTP/1.1", `Host: localhost:${port}`]);
  assert.deepEqual([status, headers["allow"]], [405, "GET, HEAD, POST"]);
});

test("an unknown path is 404 and names those that exist", async (t) => {
  const { get } = await startWithEngine(t);
  for (const path of ["/", "/status", "/get/", "//get", "/x/../get", "/%67et", "/GET"]) {
    const { status, body } = await get(path);
    assert.deepEqual(
      [status, body],
      [404, "error: not found; there is /get, /set, /add, /remove, /metrics\n"],
      path,
    );
  }
});

test("every answer keeps pages from reading, framing or storing it", async (t) => {
  const { get, port, post } = await startWithEngine(t);
  const host = `Host: localhost:${port}`;
  const answers = [
    await get("/get"),
    await get("/add"),
    await get("/nothing"),
    await get("/set", "Origin: http://evil.example"),
    await post("/add", "x".repeat(9_000)),
    await send(port, ["PUT /get HTTP/1.1", host]),
    await send(port, ["no request at all"]),
    await get("/get", `X: ${"x".repeat(9_000)}`),
    parseAnswer(
      await exchange(port, `GET /get HTTP/1.1\r\n${host}\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n`),
    ),
    parseAnswer(await exchange(port, `CONNECT localhost:22 HTTP/1.1\r\n${host}\r\n\r\n`)),
    await get("/get", "Expect: wonders"),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 400, 404, 403, 413, 405, 400, 431, 403, 403, 200],
  );
  for (const { headers, body, status } of answers) {
    assert.equal(headers["cross-origin-resource-policy"], "same-origin", String(status));
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.match(headers["content-type"] ?? "", /^text\/plain/);
    assert.equal(headers["content-length"], String(Buffer.byteLength(body, "latin1")));
    assert.ok(!Object.keys(headers).some((name) => name.startsWith("access-control-")));
    assert.match(body, /\n$/);
  }
});

test("a URL or headers larger than 8 KiB are 431, and nothing is done", async (t) => {
  const { get } = await startWithEngine(t);
  assert.equal((await get(`/add?backend=127.0.0.1:9&x=${"x".repeat(8 * 1_024)}`)).status, 431);
  assert.equal((await get(`/add?backend=127.0.0.1:9`, `X: ${"x".repeat(8 * 1_024)}`)).status, 431);
  assert.equal((await get("/get")).body, "127.0.0.1:1,127.0.0.1:2\n");
});

test("a port in use is one clear line", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const { port } = other.address() as AddressInfo;
  await assert.rejects(
    startHttpShim({
      access: createAccess(() => undefined),
      refusals: new ManagementRefusals(),
      management: new FakeManagement(),
      address: { host: "127.0.0.1", port },
      logger,
    }),
    {
      code: "LISTEN_FAILED",
      message: `cannot listen on 127.0.0.1:${port}: the address is in use already`,
    },
  );
});

test("64 connections that say nothing keep a 65th out until one of them ends", async (t) => {
  const { port, get } = await startWithEngine(t);
  const idle = Array.from({ length: 64 }, () => connect(port, "127.0.0.1").on("error", () => undefined));
  t.after(() => idle.forEach((socket) => socket.destroy()));
  await Promise.all(idle.map((socket) => once(socket, "connect")));
  assert.equal(await exchange(port, "GET /get HTTP/1.1\r\n\r\n"), "");
  const first = idle[0]?.resume().end();
  if (first) await closeOf(first);
  assert.equal((await get("/get")).status, 200);
});

test("close lets a request under way end, and takes no other", async (t) => {
  const management = new FakeManagement();
  const { get, shim, port } = await startShim(t, management);
  const [asked, released] = [createGate(), createGate()];
  management.onAsk = (kind) => {
    if (kind !== "set") return undefined;
    asked.open();
    return released.opened;
  };
  const answer = get("/set?backends=a:1");
  await asked.opened;
  const closed = shim.close(60_000);
  const late = connect(port, "127.0.0.1");
  await assert.rejects(once(late, "connect"));
  released.open();
  assert.equal((await answer).status, 200);
  await closed;
});

test("close cuts what has not ended within its grace, silent connections too", async (t) => {
  const management = new FakeManagement();
  const { get, shim, port } = await startShim(t, management);
  const asked = createGate();
  management.onAsk = (kind) => {
    if (kind !== "set") return undefined;
    asked.open();
    return new Promise(() => undefined);
  };
  const silent = connect(port, "127.0.0.1");
  await once(silent, "connect");
  const answer = get("/set?backends=a:1");
  await asked.opened;
  await shim.close(20);
  assert.ok(Number.isNaN((await answer).status));
  silent.destroy();
});

test("a client that goes away in the middle of its form does no harm", async (t) => {
  const { port, get } = await startWithEngine(t);
  const socket = connect(port, "127.0.0.1");
  const head = `POST /add HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 100\r\n`;
  socket.write(`${head}Content-Type: application/x-www-form-urlencoded\r\n\r\nbackend=127.0.0.1:9`);
  await once(socket, "connect");
  socket.resetAndDestroy();
  assert.equal((await get("/get")).body, "127.0.0.1:1,127.0.0.1:2\n");
});
