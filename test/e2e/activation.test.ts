import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startNamed } from "../support/backends.js";
import { curlAt } from "../support/curl-at.js";
import { daemon } from "../support/proxy.js";
import { until } from "../support/until.js";

/** Listens, connects once, and becomes the proxy with the socket as its third descriptor, as systemd does. */
const ACTIVATE = `
import os, socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(16)
early = socket.create_connection(s.getsockname()); early.set_inheritable(True)
print(s.getsockname()[1], flush=True)
os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="default")
os.execv(sys.argv[1], sys.argv[1:])
`;

/** Becomes the proxy with a socket for the part of management that is named: a path, or an address ("": 127.0.0.1). */
const GIVE = `
import os, socket, sys
name, at = sys.argv[1:3]
path = at.startswith("/")
s = socket.socket(socket.AF_UNIX if path else socket.AF_INET); s.bind(at if path else (at or "127.0.0.1", 0)); s.listen(16)
if s.fileno() != 3: os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
print("listening", flush=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES=name)
os.execv(sys.argv[3], sys.argv[3:])
`;

test("a socket of systemd's is used, with the clients that wait in its queue, and readiness is told", async (t) => {
  const backend = await startNamed(t, "a");
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "systemd-notify"), `#!/bin/sh\necho "$@" >> ${folder}/told\n`);
  chmodSync(join(folder, "systemd-notify"), 0o755);
  const told = (): string => readFileSync(join(folder, "told"), { encoding: "utf8", flag: "a+" });

  const ports = ["--http-port", "0", "--grpc-port", "0", "--log-format", "json"];
  const argv = ["-c", ACTIVATE, process.execPath, daemon, "127.0.0.1:1", backend.address, ...ports];
  const env = { ...process.env, PATH: `${folder}:${process.env["PATH"] ?? ""}`, NOTIFY_SOCKET: "/run/none" };
  const child = spawn("/usr/bin/python3", argv, { env, stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(first.toString());
  await until("READY=1", () => told().includes(`--pid=${child.pid ?? 0} READY=1`));
  await until("the client that came before the proxy to be served", () => backend.accepted === 1);
  const socket = connect(port, "127.0.0.1");
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.equal(answer.toString(), "a");
  socket.destroy();
  child.kill("SIGHUP");
  await until("RELOADING=1", () => told().includes("RELOADING=1"));
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
  await until("STOPPING=1", () => told().includes("STOPPING=1"));
});

test("a socket of another kind than management was told to listen on is refused", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "given.sock");
  const ports = ["--http-port", "0", "--grpc-port", "0", "--log-level", "error"];
  const wrong = [
    /^seamless: cannot listen on unix:.*given for it is one of TCP\n$/,
    /^seamless: cannot listen on 127\.0\.0\.1:0: .*given for it is a Unix socket\n$/,
  ] as const;
  for (const [name, given, asked, complaint] of [
    ["@grpc", "", ["--grpc", `unix:${path}`], wrong[0]],
    ["@http", "", ["--http", `unix:${path}`], wrong[0]],
    ["@grpc", `${path}1`, [], wrong[1]],
    ["@http", `${path}2`, [], wrong[1]],
  ] as const) {
    const proxy = [process.execPath, daemon, "127.0.0.1:0", "127.0.0.1:9", ...ports, ...asked];
    const argv = ["-c", GIVE, name, given, ...proxy];
    const { status, stderr } = spawnSync("/usr/bin/python3", argv, { encoding: "utf8", timeout: 15_000 });
    assert.match(stderr, complaint);
    assert.equal(status, 1);
  }
});

test("a socket on which the curl interface would not speak the TLS that is asked for is refused", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [cert, key, tokens] = ["cert", "key", "tokens"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const subject = ["-subj", "/CN=localhost", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert];
  execFileSync("openssl", ["req", "-x509", ...subject], { stdio: "ignore" });
  const entry = `- {name: ops, sha256: ${"ab".repeat(32)}, verbs: [admin], services: "*"}\n`;
  writeFileSync(tokens, entry, { mode: 0o600 });
  const credentials = ["--tls-cert", cert, "--tls-key", key, "--tokens", tokens, "--log-level", "error"];
  const proxy = [process.execPath, daemon, "127.0.0.1:0", "127.0.0.1:9", "--grpc-port", "0", ...credentials];
  const argv = ["-c", GIVE, "@http", "0.0.0.0", ...proxy];
  const { status, stderr } = spawnSync("/usr/bin/python3", argv, { encoding: "utf8", timeout: 15_000 });
  assert.match(
    stderr,
    /^seamless: the socket .* bound to 0\.0\.0\.0:\d+, where it would not speak TLS: .*--http.*\n$/,
  );
  assert.equal(status, 1);
});

test("a Unix socket of systemd's is the curl interface's, and stays when the proxy stops", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "http.sock");
  const args = ["127.0.0.1:0", "127.0.0.1:9", "--grpc-port", "0", "--http", `unix:${path}`];
  const argv = ["-c", GIVE, "@http", path, process.execPath, daemon, ...args];
  const child = spawn("/usr/bin/python3", argv, { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  const { ino } = statSync(path);
  assert.deepEqual(await curlAt(path, "http://localhost/get"), [200, "127.0.0.1:9\n"]);
  assert.equal(statSync(path).ino, ino, "the proxy has made one of its own");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.ok(existsSync(path));
});
