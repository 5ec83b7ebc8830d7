import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { completeHealthCheck, type CheckKind } from "../control/health-check.js";
import { localHeader, type ProxyProtocol } from "../proxy-header.js";
import { checkBackend } from "./check-backend.js";

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets: Socket[] = [];
  server.on("connection", (socket) => sockets.push(socket.on("error", () => undefined)));
  server.listen(0, "127.0.0.1");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function check(
  port: number,
  kind: CheckKind,
  timeoutMs = 5_000,
  sendProxy: ProxyProtocol = 0,
): Promise<void> {
  const subject = { id: `name.example:${port}`, endpoint: { host: "127.0.0.1", port }, sendProxy };
  return checkBackend(subject, completeHealthCheck({ kind }).kind, {
    timeoutMs,
    signal: AbortSignal.timeout(timeoutMs),
  });
}

const http = (path: string, host = "", expectedStatus = ""): CheckKind => ({
  type: "http",
  path,
  host,
  expectedStatus,
});

test("tcp: a connection is enough, and it is closed without an abort", async (t) => {
  let aborted = false;
  const server = createServer((socket) => socket.resume().on("error", () => (aborted = true)));
  const port = await listen(t, server);
  const closed = new Promise((resolve) => server.on("connection", (socket) => socket.on("close", resolve)));
  await check(port, { type: "tcp" });
  await closed;
  assert.equal(aborted, false);
});

test("tcp: nobody there is an error with its errno", async (t) => {
  const server = createServer();
  const port = await listen(t, server);
  server.close();
  await once(server, "close");
  await assert.rejects(check(port, { type: "tcp" }), { code: "ECONNREFUSED" });
});

test("http: GET of the path with the Host asked for, any 2xx by default", async (t) => {
  const requests: IncomingMessage[] = [];
  const server = createHttpServer((request, response) => {
    requests.push(request);
    response.statusCode = Number(request.url?.slice(1));
    response.end();
  });
  const port = await listen(t, server);
  await check(port, http("/204"));
  await check(port, http("/200", "app.example"));
  assert.deepEqual(
    requests.map(({ method, url, headers }) => [method, url, headers.host]),
    [
      ["GET", "/204", `name.example:${port}`],
      ["GET", "/200", "app.example"],
    ],
  );
  await assert.rejects(check(port, http("/503")), /HTTP status 503, expected 200-299/);
  await check(port, http("/503", "", "200-299,503"));
});

test("http: a body without end is not waited for, and its connection is closed", async (t) => {
  const server = createHttpServer((_, response) => response.writeHead(200).write("for ever"));
  const port = await listen(t, server);
  const closed = new Promise((resolve) => server.on("connection", (socket) => socket.on("close", resolve)));
  await check(port, http("/"));
  await closed;
});

test("a backend that keeps silent is given up when the signal says so", async (t) => {
  const port = await listen(t, createServer());
  for (const kind of [http("/"), { type: "grpc", service: "" } as const])
    await assert.rejects(check(port, kind, 50), kind.type);
});

test("grpc: the standard health service decides, for the server or one service", async (t) => {
  const health = new HealthImplementation({ "": "SERVING", sick: "NOT_SERVING" });
  const server = new GrpcServer();
  health.addToServer(server);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  t.after(() => server.forceShutdown());
  await check(port, { type: "grpc", service: "" });
  await assert.rejects(check(port, { type: "grpc", service: "sick" }), /gRPC health NOT_SERVING/);
  await assert.rejects(check(port, { type: "grpc", service: "unknown" }), /NOT_FOUND/);
});

test("backends that expect a PROXY header are sent one that names nobody", async (t) => {
  for (const version of [1, 2] as const) {
    const heard: string[] = [];
    const port = await listen(
      t,
      createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", (data: Buffer) => {
          heard.push(data.toString("latin1"));
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
      }),
    );
    await check(port, { type: "tcp" }, 5_000, version);
    await check(port, http("/up"), 5_000, version);
    const header = localHeader(version).toString("latin1");
    assert.ok(heard.length > 0 && heard.every((text) => text.startsWith(header)), heard.join());
    assert.ok(
      heard.some((text) => text.slice(header.length).startsWith("GET /up ")) || heard.includes(header),
    );
  }
});
