import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { pino } from "pino";
import { startHttpShim, type HttpShim } from "./http-server.js";
import type { ManagementAddress } from "./management-socket.js";
import { ManagementRefusals } from "./management-refusals.js";
import { FakeManagement } from "./testing/fake-management.js";
import { closeOf } from "./testing/waiting.js";
import { createAccess } from "./access/access.js";

// What is measured here takes as long as it takes; all at once, so that it takes it only once.
suite("a slow client of the HTTP interface", { concurrency: true }, () => {
  let shim: HttpShim;
  const refusals = new ManagementRefusals();
  let port = 0;
  const start = (address: ManagementAddress): Promise<HttpShim> =>
    startHttpShim({
      access: createAccess(() => undefined),
      refusals,
      management: new FakeManagement(),
      address,
      logger: pino({ enabled: false }),
    });
  before(async () => {
    shim = await start({ host: "127.0.0.1", port: 0 });
    assert.ok("port" in shim.endpoint);
    port = shim.endpoint.port;
  });
  after(async () => {
    await shim.close(0);
    assert.ok((refusals.of("http").get("slow") ?? 0) > 0);
  });

  /** Sends `start`, then a piece of `rest` each 200 ms; what came back and how long it took. */
  const dawdle = async (
    start: string,
    { rest = "", to }: { readonly rest?: string; readonly to?: string } = {},
  ): Promise<{ answer: string; tookMs: number }> => {
    const startedMs = performance.now();
    const socket = to === undefined ? connect(port, "127.0.0.1") : connect(to);
    socket.setEncoding("latin1");
    let answer = "";
    socket.on("data", (chunk: string) => (answer += chunk)).on("error", () => undefined);
    socket.write(start);
    const drip = rest === "" ? undefined : setInterval(() => socket.write(rest), 200);
    await closeOf(socket);
    clearInterval(drip);
    return { answer, tookMs: performance.now() - startedMs };
  };

  const expectCut = ({ answer, tookMs }: { answer: string; tookMs: number }, limitMs: number): void => {
    assert.match(
      answer,
      /^HTTP\/1.1 408 [^]*Cross-Origin-Resource-Policy: same-origin[^]*did not come in time\n$/,
    );
    assert.ok(tookMs > limitMs - 100 && tookMs < limitMs + 2_500, `${tookMs} ms`);
  };

  test("whose headers drip in is cut after 5 s", async () => {
    expectCut(await dawdle("GET /get HTTP/1.1\r\n", { rest: "X: y\r\n" }), 5_000);
  });

  test("on a Unix socket, too", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "seamless-"));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, "http.sock");
    const onSocket = await start({ path });
    t.after(() => onSocket.close(0));
    expectCut(await dawdle("GET /get HTTP/1.1\r\n", { to: path, rest: "X: y\r\n" }), 5_000);
  });

  test("who says nothing at all is cut after 5 s", async () => {
    expectCut(await dawdle(""), 5_000);
  });

  test("whose form drips in is cut after 10 s", async () => {
    const host = `Host: localhost:${port}`;
    const form = "Content-Type: application/x-www-form-urlencoded";
    const head = `POST /add HTTP/1.1\r\n${host}\r\n${form}\r\nContent-Length: 1000\r\n\r\n`;
    expectCut(await dawdle(head, { rest: "x" }), 10_000);
  });

  test("who keeps a connection open without need is let go after 2 s", async () => {
    const { answer, tookMs } = await dawdle(`GET /get HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 200 /);
    assert.ok(tookMs > 1_900 && tookMs < 4_500, `${tookMs} ms`);
  });
});
