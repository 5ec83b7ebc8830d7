import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createNodeEngine } from "../engine/node/node-engine.js";
import { QUIET } from "../engine/testing/rig.js";
import type { HttpShimOptions } from "./http-server.js";
import { send } from "./testing/raw-http.js";
import { startReal, type Shim } from "./testing/shim-fixture.js";

const startWithEngine = (t: TestContext, options: Partial<HttpShimOptions> = {}): Promise<Shim> =>
  startReal(t, createNodeEngine({ maxConnections: 10, ...QUIET }), options);

/** What a page can make a browser send, and what an attacker's tool can; P is the port. */
const FORGED: readonly (readonly [string, readonly string[]])[] = [
  [
    "an image",
    [
      "GET /set?backends=6.6.6.6:6 HTTP/1.1",
      "Host: localhost:P",
      "Sec-Fetch-Dest: image",
      "Sec-Fetch-Mode: no-cors",
      "Sec-Fetch-Site: cross-site",
    ],
  ],
  [
    "an image in an old browser",
    [
      "GET /set?backends=6.6.6.6:6 HTTP/1.1",
      "Host: localhost:P",
      "User-Agent: Mozilla/5.0",
      "Referer: http://evil.example/",
    ],
  ],
  [
    "an image without Referer in an old browser",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "User-Agent: Mozilla/5.0"],
  ],
  [
    "an image with Referer and no User-Agent",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Referer: http://evil.example/"],
  ],
  [
    "a script",
    [
      "GET /add?backend=6.6.6.6:6 HTTP/1.1",
      "Host: 127.0.0.1:P",
      "Sec-Fetch-Dest: script",
      "Sec-Fetch-Site: cross-site",
    ],
  ],
  [
    "a style sheet",
    [
      "GET /add?backend=6.6.6.6:6 HTTP/1.1",
      "Host: [::1]:P",
      "Sec-Fetch-Dest: style",
      "Sec-Fetch-Site: cross-site",
    ],
  ],
  [
    "a frame",
    [
      "GET /remove?backend=127.0.0.1:1 HTTP/1.1",
      "Host: localhost:P",
      "Sec-Fetch-Dest: iframe",
      "Sec-Fetch-Mode: navigate",
      "Sec-Fetch-Site: cross-site",
    ],
  ],
  [
    "a link on a page",
    [
      "GET /set?backends=6.6.6.6:6 HTTP/1.1",
      "Host: localhost:P",
      "Sec-Fetch-Mode: navigate",
      "Sec-Fetch-Site: cross-site",
      "Sec-Fetch-User: ?1",
    ],
  ],
  [
    "a link in a mail",
    [
      "GET /set?backends=6.6.6.6:6 HTTP/1.1",
      "Host: localhost:P",
      "Sec-Fetch-Mode: navigate",
      "Sec-Fetch-Site: none",
      "Sec-Fetch-User: ?1",
    ],
  ],
  [
    "an address typed in",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Sec-Fetch-Site: none"],
  ],
  [
    "a page of the same host on another port",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Sec-Fetch-Site: same-site"],
  ],
  [
    "a page of our own origin",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Sec-Fetch-Site: same-origin"],
  ],
  [
    "Sec-Fetch-Mode alone",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Sec-Fetch-Mode: cors"],
  ],
  [
    "Sec-Fetch in capitals",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "SEC-FETCH-SITE: none"],
  ],
  ["a fetch", ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Origin: http://evil.example"]],
  ["a fetch from a sandbox", ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Origin: null"]],
  [
    "a fetch from our own origin",
    ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Origin: http://localhost:P"],
  ],
  ["an empty Origin", ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: localhost:P", "Origin:"]],
  [
    "a form",
    [
      "POST /set?backends=6.6.6.6:6 HTTP/1.1",
      "Host: localhost:P",
      "Origin: http://evil.example",
      "Content-Type: application/x-www-form-urlencoded",
      "Content-Length: 0",
    ],
  ],
  [
    "a form in an old browser",
    [
      "POST /set?backends=6.6.6.6:6 HTTP/1.1",
      "Host: localhost:P",
      "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)",
      "Content-Length: 0",
    ],
  ],
  [
    "a beacon",
    [
      "POST /add?backend=6.6.6.6:6 HTTP/1.1",
      "Host: localhost:P",
      "Origin: http://evil.example",
      "Content-Type: text/plain",
      "Content-Length: 0",
    ],
  ],
  [
    "a preflight",
    [
      "OPTIONS /set HTTP/1.1",
      "Host: localhost:P",
      "Origin: http://evil.example",
      "Access-Control-Request-Method: PUT",
    ],
  ],
  [
    "a preflight for the private network",
    [
      "OPTIONS /set HTTP/1.1",
      "Host: localhost:P",
      "Origin: http://evil.example",
      "Access-Control-Request-Private-Network: true",
    ],
  ],
  ["a rebound name", ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: evil.example:P"]],
  ["a rebound name that reads", ["GET /get HTTP/1.1", "Host: evil.example:P", "Sec-Fetch-Site: same-origin"]],
  ["a rebound name on port 80", ["GET /get HTTP/1.1", "Host: evil.example"]],
  ["a name that begins like ours", ["GET /get HTTP/1.1", "Host: localhost.evil.example:P"]],
  ["a name that ends like ours", ["GET /get HTTP/1.1", "Host: evil-localhost:P"]],
  ["localhost with a dot", ["GET /get HTTP/1.1", "Host: localhost.:P"]],
  ["0.0.0.0", ["GET /set?backends=6.6.6.6:6 HTTP/1.1", "Host: 0.0.0.0:P"]],
  ["0.0.0.0 that reads", ["GET /get HTTP/1.1", "Host: 0.0.0.0:P"]],
  ["[::]", ["GET /get HTTP/1.1", "Host: [::]:P"]],
  ["127.0.0.2", ["GET /get HTTP/1.1", "Host: 127.0.0.2:P"]],
  ["a number for an address", ["GET /get HTTP/1.1", "Host: 2130706433:P"]],
  ["another port", ["GET /get HTTP/1.1", "Host: localhost:1"]],
  ["no port", ["GET /get HTTP/1.1", "Host: localhost"]],
  ["no Host", ["GET /get HTTP/1.1"]],
  ["no Host in HTTP/1.0", ["GET /get HTTP/1.0"]],
  ["an empty Host", ["GET /get HTTP/1.1", "Host:"]],
  ["two Hosts, ours first", ["GET /get HTTP/1.1", "Host: localhost:P", "Host: evil.example"]],
  ["two Hosts, ours last", ["GET /get HTTP/1.1", "Host: evil.example", "Host: localhost:P"]],
  ["two Hosts in one", ["GET /get HTTP/1.1", "Host: localhost:P, evil.example"]],
  ["an absolute address that differs", ["GET http://evil.example/get HTTP/1.1", "Host: localhost:P"]],
  [
    "an absolute address that differs by user",
    ["GET http://x@localhost:P/get HTTP/1.1", "Host: localhost:P"],
  ],
  ["an absolute address and a foreign Host", ["GET http://localhost:P/get HTTP/1.1", "Host: evil.example"]],
  ["another page that reads", ["GET /get HTTP/1.1", "Host: localhost:P", "Sec-Fetch-Site: cross-site"]],
  [
    "another page that reads by HEAD",
    ["HEAD /get HTTP/1.1", "Host: localhost:P", "Sec-Fetch-Site: same-site"],
  ],
  [
    "another page that reads with fetch",
    ["GET /get HTTP/1.1", "Host: localhost:P", "Origin: http://evil.example"],
  ],
  ["an unknown path", ["GET /favicon.ico HTTP/1.1", "Host: localhost:P", "User-Agent: Mozilla/5.0"]],
  ["a WebSocket", ["GET /get HTTP/1.1", "Host: localhost:P", "Upgrade: websocket", "Connection: Upgrade"]],
];

test("no request that a web page can cause is served", async (t) => {
  const { port, get } = await startWithEngine(t);
  assert.ok(FORGED.length >= 40);
  for (const [what, lines] of FORGED) {
    const filled = lines.map((line) => line.replaceAll(":P", `:${port}`));
    const { status, body } = await send(port, filled);
    assert.equal(status, 403, what);
    assert.doesNotMatch(body, /127\.0\.0\.1:1/, what);
  }
  assert.equal((await get("/get")).body, "127.0.0.1:1,127.0.0.1:2\n");
});

function socketPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "http.sock");
}

test("nor on a Unix socket, where only the port of localhost means nothing", async (t) => {
  const path = socketPath(t);
  const { get } = await startWithEngine(t, { address: { path } });
  for (const [what, lines] of FORGED) {
    const { status } = await send(
      path,
      lines.map((line) => line.replaceAll(":P", ":6777")),
    );
    assert.equal(status, ["another port", "no port"].includes(what) ? 200 : 403, what);
  }
  assert.equal((await get("/get")).body, "127.0.0.1:1,127.0.0.1:2\n");
});

test("curl is served on a Unix socket", async (t) => {
  const path = socketPath(t);
  const { curl } = await startWithEngine(t, { address: { path } });
  for (const [url, list] of [
    ["http://localhost/get", "127.0.0.1:1,127.0.0.1:2"],
    ["http://localhost:6777/remove?backend=127.0.0.1:1", "127.0.0.1:2"],
  ] as const)
    assert.match(await curl("--unix-socket", path, url), new RegExp(`^HTTP/1.1 200 OK\r\n[^]*\n${list}\n$`));
  assert.match(await curl("--unix-socket", path, "http://evil.example/get"), /^HTTP\/1.1 403/);
});

test("curl is served, in every way that the documentation shows", async (t) => {
  const { port, curl } = await startWithEngine(t);
  const served = async (...args: string[]): Promise<string> => {
    const answer = await curl(...args);
    assert.match(answer, /^HTTP\/1.1 200 OK\r\n/, args.join(" "));
    return answer.slice(answer.indexOf("\r\n\r\n") + 4);
  };
  for (const host of ["localhost", "127.0.0.1"]) {
    const url = `http://${host}:${port}`;
    assert.equal(await served(`${url}/get`), "127.0.0.1:1,127.0.0.1:2\n");
    assert.equal(await served(`${url}/add?backend=127.0.0.1:3`), "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3\n");
    assert.equal(await served(`${url}/remove?backend=127.0.0.1:3`), "127.0.0.1:1,127.0.0.1:2\n");
    assert.equal(await served("--data", "backends=127.0.0.1:9", `${url}/set`), "127.0.0.1:9\n");
    assert.equal(await served("--http1.0", `${url}/get`), "127.0.0.1:9\n");
    const list = ["--data-urlencode", "backends=127.0.0.1:1, 127.0.0.1:2", `${url}/set`];
    assert.equal(await served("--get", ...list), "127.0.0.1:1,127.0.0.1:2\n");
  }
  assert.match(await served("--head", `http://localhost:${port}/get`), /^$/);
  assert.match(
    await curl("--proxy", `http://localhost:${port}`, "http://evil.example/get"),
    /^HTTP\/1.1 403/,
  );
});

test("a page that the user has open can read the list, but only of our own origin", async (t) => {
  const { get } = await startWithEngine(t);
  const browser = ["User-Agent: Mozilla/5.0", "Sec-Fetch-Mode: navigate"];
  assert.equal((await get("/get", ...browser, "Sec-Fetch-Site: none")).status, 200);
  assert.equal((await get("/get", ...browser, "Sec-Fetch-Site: same-origin")).status, 200);
});
