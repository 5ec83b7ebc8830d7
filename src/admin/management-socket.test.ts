import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ProxyError } from "../errors.js";
import { closeOf, createGate, until } from "./testing/waiting.js";
import { openManagementSocket, type ManagementSocket } from "./management-socket.js";
import { limitPreface } from "./preface-limit.js";

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "seamless-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Greets every connection. */
function greeter(): Server {
  return createServer((connection) => connection.end("hello"));
}

async function open(t: TestContext, path: string): Promise<ManagementSocket> {
  const socket = await openManagementSocket({
    address: { path },
    server: greeter(),
  });
  t.after(() => socket.close());
  return socket;
}

async function greeting(path: string): Promise<string> {
  const chunks: string[] = [];
  for await (const chunk of connect({ path }).setEncoding("utf8")) chunks.push(String(chunk));
  return chunks.join("");
}

const refusal = (message: RegExp) => {
  return (error: unknown): boolean => {
    assert.ok(error instanceof ProxyError);
    assert.equal(error.code, "LISTEN_FAILED");
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  };
};

test("only its owner may use the socket, and nothing else is left in the folder", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "s");
  await open(t, path);
  const { mode } = await lstat(path);
  assert.equal(mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["s"]);
  assert.equal(await greeting(path), "hello");
});

test("close removes the socket's file", async (t) => {
  const folder = await temporaryFolder(t);
  const socket = await open(t, join(folder, "s"));
  socket.close();
  assert.deepEqual(await readdir(folder), []);
});

test("close leaves the file of another proxy that has taken the path", async (t) => {
  const path = join(await temporaryFolder(t), "s");
  const first = await open(t, path);
  await rm(path);
  await open(t, path);
  first.close();
  assert.equal(await greeting(path), "hello");
});

test("a socket that a killed proxy has left behind is replaced", async (t) => {
  const path = join(await temporaryFolder(t), "s");
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("ready"))`;
  const killed = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(killed.stdout, "data");
  killed.kill("SIGKILL");
  await once(killed, "exit");
  assert.ok((await lstat(path)).isSocket());
  await open(t, path);
  assert.equal(await greeting(path), "hello");
});

test("a socket that somebody answers on is refused and stays", async (t) => {
  const path = join(await temporaryFolder(t), "s");
  await open(t, path);
  await assert.rejects(open(t, path), refusal(/another program listens there/));
  assert.equal(await greeting(path), "hello");
});

test("a file that is no socket is refused and stays", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "s");
  await writeFile(path, "precious");
  await assert.rejects(open(t, path), refusal(/a file that is not a socket/));
  assert.ok((await lstat(path)).isFile());
  assert.deepEqual(await readdir(folder), ["s"]);
});

test("a folder that does not exist is one clear line", async (t) => {
  const path = join(await temporaryFolder(t), "missing", "s");
  await assert.rejects(
    open(t, path),
    refusal(/cannot listen on unix:.*missing\/s: the folder of the socket does not exist/),
  );
});

test("a path as long as a socket's may be works, and a longer one is one clear line", async (t) => {
  const folder = await temporaryFolder(t);
  const longest = join(folder, "x".repeat(103 - folder.length - 1));
  await open(t, longest);
  assert.equal(await greeting(longest), "hello");
  await assert.rejects(open(t, `${longest}x`), refusal(/the path is too long for a socket/));
  await assert.rejects(open(t, join(folder, "x".repeat(300))), refusal(/the path is too long for a socket/));
});

test("a 65th connection is dropped, and taken once another has ended", async (t) => {
  const accepted: unknown[] = [];
  const socket = await openManagementSocket({
    address: { host: "127.0.0.1", port: 0 },
    server: createServer((connection) => {
      accepted.push(connection);
      connection.resume().on("end", () => connection.end());
    }),
  });
  t.after(() => socket.close());
  assert.ok("port" in socket.endpoint);
  const { port } = socket.endpoint;
  const clients = Array.from({ length: 64 }, () => connect(port, "127.0.0.1"));
  t.after(() => clients.forEach((client) => client.destroy()));
  await Promise.all(clients.map((client) => once(client, "connect")));

  const excess = connect(port, "127.0.0.1").resume();
  excess.on("error", () => undefined);
  await closeOf(excess);
  assert.equal(accepted.length, 64);

  const first = clients[0]?.resume().end();
  await closeOf(first ?? excess);
  const next = connect(port, "127.0.0.1");
  t.after(() => next.destroy());
  next.write("x");
  await until(() => accepted.length === 65);
});

test("a connection that is reset is no error of ours", async (t) => {
  const closed = createGate();
  const socket = await openManagementSocket({
    address: { host: "127.0.0.1", port: 0 },
    server: createServer((connection) => {
      connection.resume().on("close", closed.open);
      client.resetAndDestroy();
    }),
  });
  t.after(() => socket.close());
  assert.ok("port" in socket.endpoint);
  const client = connect(socket.endpoint.port, "127.0.0.1");
  await closed.opened;
});

test("an address that is none of this machine's is one clear line", async () => {
  await assert.rejects(
    openManagementSocket({ address: { host: "192.0.2.1", port: 0 }, server: createServer() }),
    refusal(/^cannot listen on 192.0.2.1:0: this machine has no such address$/),
  );
});

test(
  "a connection that does not begin to speak is cut, and one that has begun may be silent",
  { timeout: 10_000 },
  async (t) => {
    const path = join(await temporaryFolder(t), "s");
    const sessions = createHttp2();
    t.after(() => sessions.close());
    const server = createServer((connection) => void sessions.emit("connection", connection));
    server.on("connection", (connection) => limitPreface(connection, () => connection.destroy(), 200));
    const socket = await openManagementSocket({ address: { path }, server });
    t.after(() => socket.close());
    const client = connectHttp2("http://localhost", { createConnection: () => connect({ path }) });
    t.after(() => client.destroy());
    let isOpen = true;
    client.on("close", () => (isOpen = false));
    await once(client, "remoteSettings");
    const [silent, hesitant] = [connect({ path }).resume(), connect({ path }).resume()];
    hesitant.write("PRI * HTTP/2.0");
    await Promise.all([closeOf(silent), closeOf(hesitant)]);
    assert.equal(isOpen, true);
  },
);
