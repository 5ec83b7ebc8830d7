import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect as connectSdk } from "@seamless/sdk";
import { startEcho } from "../support/backends.js";
import { curlAt } from "../support/curl-at.js";
import { run } from "../support/process.js";
import { daemon, startConfigured, startProxy } from "../support/proxy.js";
import { until } from "../support/until.js";
import { endProcessAfter, listeningSockets } from "../support/upgrades.js";

test("SIGTERM stops accepting and lets an open connection end; management shows it meanwhile; exit 0", async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, { backends: [echo.address], args: ["--shutdown-timeout", "30s"] });
  const socket = connect({ port: proxy.port, host: "127.0.0.1" });
  socket.write("before");
  await once(socket, "data");
  const stopped = proxy.stop();
  await proxy.logged("stopping");
  const { proxy: info } = await proxy.client.get();
  assert.deepEqual([info.shuttingDown, info.openConnections], [true, 1]);
  await assert.rejects(proxy.client.add(["127.0.0.1:9"]), { code: "SHUTTING_DOWN" });
  const refused = connect({ port: proxy.port, host: "127.0.0.1" });
  const [error] = (await once(refused, "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNREFUSED");
  socket.write("after");
  const [reply] = (await once(socket, "data")) as [Buffer];
  assert.equal(reply.toString(), "after");
  socket.end();
  assert.equal(await stopped, 0);
  assert.deepEqual([proxy.log.at(-1)?.["ended"], proxy.log.at(-1)?.["cut"]], [1, 0]);
});

test("what is still open after the shutdown timeout is reset, and counted", async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, { backends: [echo.address], args: ["--shutdown-timeout", "100ms"] });
  const socket = connect({ port: proxy.port, host: "127.0.0.1" });
  socket.write("x");
  await once(socket, "data");
  const reset = once(socket, "error");
  assert.equal(await proxy.stop(), 0);
  const [error] = (await reset) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNRESET");
  assert.equal(proxy.log.at(-1)?.["cut"], 1);
});

test("a signal that comes while it starts stops it in order", async (t) => {
  const args = ["127.0.0.1:0", "127.0.0.1:9", "--http-port", "0", "--grpc-port", "0"];
  const child = spawn(process.execPath, [daemon, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  let log = "";
  child.stderr.on("data", (text: Buffer) => {
    if (log === "") child.kill("SIGTERM");
    log += text.toString();
  });
  const [code] = (await once(child, "exit")) as [number | null];
  assert.equal(code, 0);
  assert.match(log, /listening.*ready.*stopped/s);
});

/** Has the program send itself a signal as soon as it has begun to run, before it has loaded what does the work. */
function signalledAtOnce(signal: string): readonly string[] {
  const send = [
    'import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";',
    "const { existsSync } = fs; let sent = false;",
    `fs.existsSync = (path) => { sent ||= process.kill(process.pid, "${signal}"); return existsSync(path); };`,
    'if (!("SEAMLESS_TAKES_OVER_FROM" in process.env)) syncBuiltinESMExports();',
  ];
  return ["--import", `data:text/javascript,${encodeURIComponent(send.join(""))}`];
}

for (const [signal, event] of [
  ["SIGHUP", "reloaded"],
  ["SIGUSR2", "upgraded"],
] as const)
  test(`${signal} is done as soon as it can be if it comes when the program has just been started`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "seamless-test-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "seamless.yaml");
    const services = 'services: {web: {listen: "127.0.0.1:0"}}';
    writeFileSync(file, `log_format: json\nhttp_port: 0\ngrpc_port: 0\n${services}\n`);
    const proxy = await startConfigured(t, file, { nodeArgs: signalledAtOnce(signal) });
    const { successor } = await proxy.logged(event);
    if (typeof successor === "number") endProcessAfter(t, successor);
    assert.equal((await proxy.client.listServices()).length, 1);
  });

test("a second signal ends it at once", async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, { backends: [echo.address], args: ["--shutdown-timeout", "1h"] });
  const socket = connect({ port: proxy.port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.write("x");
  await once(socket, "data");
  const stopped = proxy.stop();
  await proxy.logged("stopping");
  proxy.child.kill("SIGTERM");
  assert.equal(await stopped, 0);
});

test("watches end when it stops", async (t) => {
  const echo = await startEcho(t);
  const proxy = await startProxy(t, { backends: [echo.address] });
  const states = proxy.client.watch()[Symbol.asyncIterator]();
  await states.next();
  const next = states.next();
  assert.equal(await proxy.stop(), 0);
  proxy.client.close();
  await assert.rejects(next, { code: "CANCELLED" });
});

test("a port in use is one clear line and exit 1, whichever port it is", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.after(() => taken.close());
  const port = String((taken.address() as AddressInfo).port);
  for (const args of [
    [`127.0.0.1:${port}`, "a:1", "--http-port", "0", "--grpc-port", "0"],
    ["127.0.0.1:0", "a:1", "--http-port", port, "--grpc-port", "0"],
    ["127.0.0.1:0", "a:1", "--http-port", "0", "--grpc-port", port],
  ]) {
    const { exitCode, stderr, stdout } = await run(process.execPath, [
      daemon,
      ...args,
      "--log-level",
      "error",
    ]);
    assert.equal(exitCode, 1);
    const line = `seamless: cannot listen on 127.0.0.1:${port}: the address is in use already\n`;
    assert.deepEqual([stdout, stderr], ["", line]);
  }
});

test("what can be known to be wrong is found before the first client is accepted", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const folder = mkdtempSync(join(tmpdir(), "seamless-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [pem, file, data] = ["x.pem", "seamless.yaml", "data"].map((name) => join(folder, name));
  assert.ok(pem && file && data);
  writeFileSync(pem, "none");
  mkdirSync(data);
  const touched = (): bigint => statSync(data, { bigint: true }).ctimeNs;
  const management = ["--http", `unix:${folder}/http.sock`, "--grpc", `unix:${folder}/grpc.sock`];
  const withSecond = (second: string): readonly string[] => {
    writeFileSync(file, `services: {a: {listen: "unix:${data}/s", backends: "127.0.0.1:9"}, b: ${second}}`);
    return ["--config", file];
  };
  const one = [`unix:${data}/s`, "127.0.0.1:9"];
  const before = touched();
  for (const [complaint, args] of [
    ["tokens can't be used: ENOENT", () => [...one, "--tokens", join(folder, "tokens")]],
    ["x\\.pem with .*x\\.pem can't be used", () => [...one, "--tls-cert", pem, "--tls-key", pem]],
    ["cannot listen on 127\\.0\\.0\\.1:\\d+: .* in use", () => [...one, "--grpc", `127.0.0.1:${port}`]],
    ["the folder of the socket does not exist", () => [...one, "--http", "unix:/nowhere/s"]],
    ["there is a file that is not a socket", () => [...one, "--http", `unix:${pem}`]],
    ["cannot listen on 127\\.0\\.0\\.1:\\d+: .* in use", () => withSecond(`{listen: "127.0.0.1:${port}"}`)],
    ["can't be a backend", () => withSecond('{listen: "127.0.0.1:0", backends: "169.254.169.254:80"}')],
  ] as const) {
    const { stderr, exitCode } = await run(process.execPath, [daemon, ...management, ...args()]);
    assert.match(stderr, new RegExp(`^seamless: .*${complaint}.*\\n$`));
    assert.equal(exitCode, 1);
    assert.equal(touched(), before, "a socket was made for clients");
  }
});

test("a failure while it starts that nobody has foreseen is logged, and exit 1", async () => {
  const broken = [
    'import crypto from "node:crypto"; import { syncBuiltinESMExports } from "node:module";',
    'crypto.randomUUID = () => { throw new Error("planted"); }; syncBuiltinESMExports();',
  ];
  const url = `data:text/javascript,${encodeURIComponent(broken.join(""))}`;
  const args = [
    "--import",
    url,
    daemon,
    "127.0.0.1:0",
    "127.0.0.1:9",
    "--http-port",
    "0",
    "--grpc-port",
    "0",
  ];
  const { exitCode, stderr } = await run(process.execPath, args);
  assert.match(stderr, /FATAL: a bug in seamless: stopping.*planted/s);
  assert.equal(exitCode, 1);
});

test("usage errors exit 2, --version exits 0", async () => {
  const usage = await run(process.execPath, [daemon, "8080"]);
  assert.equal(usage.exitCode, 2);
  assert.match(usage.stderr, /^seamless: missing required argument 'backends'/);
  assert.equal((await run(process.execPath, [daemon, "-version"])).stdout, "seamless 0.1.0\n");
});

test("a backend that is the proxy itself is refused at the start", async (t) => {
  const echo = await startEcho(t);
  const { exitCode, stderr } = await run(process.execPath, [daemon, "127.0.0.1:0", "localhost:6778"]);
  assert.equal(exitCode, 1);
  assert.match(
    stderr,
    /^seamless: localhost:6778 can't be a backend: 127\.0\.0\.1:6778 is this proxy itself\n$/,
  );
  const proxy = await startProxy(t, { backends: [echo.address] });
  for (const address of [
    `127.0.0.1:${proxy.port}`,
    `LOCALHOST:${proxy.port}`,
    proxy.grpc,
    `[::ffff:127.0.0.1]:${proxy.port}`,
  ]) {
    await assert.rejects(proxy.client.add([address]), { code: "FORBIDDEN_BACKEND" }, address);
  }
});

test("gRPC on a Unix socket that only its owner can open, also after a kill -9", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "grpc.sock");
  const echo = await startEcho(t);
  const start = (): ReturnType<typeof startProxy> =>
    startProxy(t, { backends: [echo.address], args: ["--grpc", `unix:${path}`] });
  const first = await start();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const second = await run(process.execPath, [
    daemon,
    "127.0.0.1:0",
    "a:1",
    "--http-port",
    "0",
    "--grpc",
    `unix:${path}`,
  ]);
  assert.equal(second.exitCode, 1);
  assert.match(second.stderr, /another program listens there/);
  first.child.kill("SIGKILL");
  await once(first.child, "exit");
  assert.ok(existsSync(path));
  const third = await start();
  const client = connectSdk({ address: `unix:${path}` });
  t.after(() => client.close());
  assert.equal((await client.get()).state.revision, 1n);
  assert.equal(await third.stop(), 0);
  await until("the socket is gone", () => !existsSync(path));
});

test("the curl interface on a Unix socket that only its owner can open, also after a kill -9", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "http.sock");
  const echo = await startEcho(t);
  const args = ["--http", `unix:${path}`];
  const first = await startProxy(t, { backends: [echo.address], args });
  assert.equal((await first.logged("ready"))["http"], `unix:${path}`);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(listeningSockets(first.child.pid ?? 0).size, 2, "it listens on a port of its own");
  assert.deepEqual(await curlAt(path, "http://localhost/get"), [200, `${echo.address}\n`]);
  const [status] = await curlAt(path, "http://evil.example/add?backend=127.0.0.1:9");
  assert.equal(status, 403);
  const second = await run(process.execPath, [daemon, "127.0.0.1:0", "a:1", "--grpc-port", "0", ...args]);
  assert.equal(second.exitCode, 1);
  assert.match(second.stderr, /unix:.*another program listens there/);
  first.child.kill("SIGKILL");
  await once(first.child, "exit");
  assert.ok(existsSync(path));
  const third = await startProxy(t, { backends: [echo.address], args });
  const [, list] = await curlAt(path, "http://localhost:6777/add?backend=127.0.0.1:9");
  assert.equal(list, `${echo.address},127.0.0.1:9\n`);
  assert.match((await third.client.history())[0]?.from ?? "", /^http unix:\d+$/);
  assert.match((await curlAt(path, "http://localhost/metrics"))[1], /^seamless_build_info/m);
  assert.equal(await third.stop(), 0);
  await until("the socket is gone", () => !existsSync(path));
});

test("with --http off there is no curl interface, and --http-host opens nothing", async (t) => {
  const echo = await startEcho(t);
  const args = ["--http", "off", "--http-host", "0.0.0.0"];
  const proxy = await startProxy(t, { backends: [echo.address], args });
  assert.equal((await proxy.logged("ready"))["http"], "off");
  const ports = [proxy.port, Number(proxy.grpc.split(":").at(-1))];
  assert.deepEqual([...listeningSockets(proxy.child.pid ?? 0).keys()].sort(), ports.sort());
  assert.equal((await proxy.client.get()).state.revision, 1n);
});

test("the file says where the curl interface is, what is changed there needs an upgrade, and is followed by that", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const [path, file] = [join(folder, "http.sock"), join(folder, "seamless.yaml")];
  const rest = 'log_format: json\ngrpc_port: 0\nservices: {web: {listen: "127.0.0.1:0"}}\n';
  writeFileSync(file, `http: unix:${path}\n${rest}`);
  const proxy = await startConfigured(t, file);
  assert.equal((await curlAt(path, "http://localhost/get?service=web"))[0], 200);
  writeFileSync(file, `http: off\n${rest}`);
  proxy.child.kill("SIGHUP");
  assert.deepEqual((await proxy.logged("needs-restart"))["fields"], ["http"]);
  assert.equal((await curlAt(path, "http://localhost/get?service=web"))[0], 200);
  const { pid } = await proxy.client.upgrade();
  endProcessAfter(t, pid);
  assert.deepEqual((await proxy.logged("sockets-left"))["names"], ["@http"]);
  await until("it to be off", () => proxy.log.some(({ event, http }) => event === "ready" && http === "off"));
  assert.equal((await curlAt(path, "http://localhost/get?service=web"))[0], 0);
});
