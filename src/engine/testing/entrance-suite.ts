import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { localHeader, proxyHeader } from "../../proxy-header.js";
import type { Engine, ListenAddress, Listener } from "../engine.js";
import { openClient, readToEnd, startEcho, startNamed, startSilent } from "./peers.js";
import { inTurn, portOf, RIG_SETTINGS, startRig, until, withoutConnection } from "./rig.js";

const ANY = { host: "127.0.0.1", port: 0 } as const;

function socketPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "web.sock");
}

async function openAt(t: TestContext, path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

const portAt = ({ addresses }: Listener, index: number): number => {
  const address = addresses[index];
  return address && "port" in address ? address.port : 0;
};

/** Where clients come in, and who may. */
export function entranceSuite(createEngine: (maxConnections?: number) => Engine): void {
  test("clients of all addresses take their turns in one round", async (t) => {
    const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
    const path = socketPath(t);
    const { listener } = await startRig(t, createEngine(), inTurn(a, b), {
      addresses: [ANY, { path }, { host: "::1", port: 0 }],
    });
    assert.equal(listener.addresses.length, 3);
    const asked = async (client: Socket): Promise<string> => (await readToEnd(client)).data.toString();
    assert.equal(await asked(await openClient(t, portAt(listener, 0))), "b");
    assert.equal(await asked(await openAt(t, path)), "a");
    const six = connect({ host: "::1", port: portAt(listener, 2), allowHalfOpen: true });
    t.after(() => six.destroy());
    assert.equal(await asked(six), "b");
  });

  test("a Unix socket passes half-close on, and its file goes with it", async (t) => {
    const path = socketPath(t);
    const { listener } = await startRig(t, createEngine(), inTurn(await startEcho(t)), {
      addresses: [{ path }],
    });
    const client = await openAt(t, path);
    const question = Buffer.alloc(300_000, "x");
    client.end(question);
    const { data } = await readToEnd(client);
    assert.ok(data.equals(question));
    await until(() => listener.totals().openConnections === 0);
    await listener.close(0);
    assert.ok(!existsSync(path));
  });

  test("an abort of the backend ends a Unix client", async (t) => {
    const path = socketPath(t);
    const silent = await startSilent(t);
    const { listener } = await startRig(t, createEngine(), inTurn(silent), { addresses: [{ path }] });
    const client = await openAt(t, path);
    const backend = await silent.next();
    await until(() => listener.counters("silent").totalConnections === 1);
    backend.resetAndDestroy();
    await readToEnd(client);
    await until(() => listener.totals().openConnections === 0);
    assert.equal(listener.totals().ends.backend, 1);
  });

  test("addresses can be added and taken away; open connections stay", async (t) => {
    const echo = await startEcho(t);
    const { listener, port } = await startRig(t, createEngine(), inTurn(echo));
    const client = await openClient(t, port);
    await until(() => listener.totals().openConnections === 1);
    const path = socketPath(t);
    await listener.listenAt([{ path }]);
    assert.deepEqual(listener.addresses, [{ path }]);
    await until(() => listener.totals().openConnections === 1);
    client.end("still");
    assert.equal((await readToEnd(client)).data.toString(), "still");
    const refused = await openClient(t, port);
    assert.ok(refused.destroyed);
    const other = await openAt(t, path);
    other.end("there");
    assert.equal((await readToEnd(other)).data.toString(), "there");
  });

  test("if one of the addresses is taken, nothing has changed", async (t) => {
    const [named, taken] = [await startNamed(t, "a"), await startSilent(t)];
    const { listener, ask } = await startRig(t, createEngine(), inTurn(named));
    const before = listener.addresses;
    const wanted: ListenAddress[] = [ANY, { path: socketPath(t) }, { host: "127.0.0.1", port: taken.port }];
    await assert.rejects(listener.listenAt(wanted), { code: "LISTEN_FAILED" });
    assert.deepEqual(listener.addresses, before);
    assert.equal(await ask(), "a");
  });

  test("a listening socket that the process was given is used", async (t) => {
    const named = await startNamed(t, "a");
    // By another process, as an inherited one.
    const first = await startRig(t, createEngine(), inTurn(named));
    const descriptor = first.listener.sockets()[0]?.descriptor ?? -1;
    const script = `require("net").createServer((socket) => socket.end("heir")).listen({ fd: 3 }, () => console.log("up"));`;
    const heir = spawn(process.execPath, ["-e", script], {
      stdio: ["ignore", "pipe", "inherit", descriptor],
    });
    t.after(() => heir.kill("SIGKILL"));
    await once(heir.stdout ?? assert.fail(), "data");
    first.listener.handOver();
    assert.equal((await readToEnd(await openClient(t, first.port))).data.toString(), "heir");
    const ended = once(heir, "exit");
    heir.kill("SIGKILL");
    await ended;
  });

  test("a listener whose sockets another process has goes on with its connections, held ones too", async (t) => {
    const [named, silent, path] = [await startNamed(t, "a"), await startSilent(t), socketPath(t)];
    const rig = await startRig(t, createEngine(), inTurn(silent), { addresses: [ANY, { path }] });
    const { listener, port } = rig;
    await openClient(t, port);
    await until(() => silent.sockets.length === 1);
    listener.pause({ holdMs: 60_000, maxHeld: 10 });
    const held = await openClient(t, port);
    await until(() => listener.totals().heldConnections === 1);
    assert.deepEqual(
      listener.sockets().map(({ ownsPath }) => ownsPath),
      [false, true],
    );
    listener.handOver();
    await assert.rejects(once(connect({ port, host: "127.0.0.1" }), "connect"), { code: "ECONNREFUSED" });
    assert.ok(existsSync(path));
    await listener.apply(inTurn(named));
    listener.resume(0);
    assert.equal((await readToEnd(held)).data.toString(), "a");
    held.end();
    await until(() => listener.totals().openConnections === 1);
    await listener.close(0);
    assert.ok(existsSync(path));
  });

  test("what is no listening socket is refused", async (t) => {
    const rig = startRig(t, createEngine(), inTurn(), {
      inherited: () => ({ descriptor: 0, ownsPath: false }),
    });
    await assert.rejects(rig, { code: "LISTEN_FAILED" });
  });

  test("a connection over the limit of the listener is reset and counted, until another has ended", async (t) => {
    const silent = await startSilent(t);
    const limits = { maxConnections: 2 };
    const { listener, port, ask, event } = await startRig(t, createEngine(), inTurn(silent), limits);
    const clients = [await openClient(t, port), await openClient(t, port)];
    await until(() => listener.totals().openConnections === 2);
    assert.equal(await ask(), "reset");
    const refused = await event(({ type }) => type === "refused");
    assert.deepEqual(withoutConnection(refused), { type: "refused", reason: "service-limit" });
    const { refusals, refusedByLimit } = listener.totals();
    assert.deepEqual([refusals["service-limit"], refusedByLimit], [1, 1]);
    clients[0]?.resetAndDestroy();
    await until(() => listener.totals().openConnections === 1);
    const third = await openClient(t, port);
    await until(() => silent.sockets.length === 3);
    third.destroy();
  });

  test("a limit per client counts each client by itself", async (t) => {
    const silent = await startSilent(t);
    const { listener, port, ask } = await startRig(t, createEngine(), inTurn(silent), {
      maxConnectionsPerClient: 1,
    });
    const first = await openClient(t, port);
    await until(() => listener.totals().openConnections === 1);
    assert.equal(await ask(), "reset");
    assert.equal(listener.totals().refusals["client-limit"], 1);
    const other = connect({ host: "127.0.0.1", port, localAddress: "127.0.0.2" });
    t.after(() => other.destroy());
    await until(() => listener.totals().openConnections === 2);
    first.resetAndDestroy();
    await until(() => listener.totals().openConnections === 1);
    await openClient(t, port);
    await until(() => silent.sockets.length === 3);
  });

  test("no more connections than told are accepted in a second", async (t) => {
    const named = await startNamed(t, "a");
    const { listener, ask } = await startRig(t, createEngine(), inTurn(named), { maxAcceptsPerSecond: 3 });
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await ask());
    assert.deepEqual(answers.slice(0, 3), ["a", "a", "a"]);
    assert.ok(answers.includes("reset"));
    assert.ok(listener.totals().refusals["accept-rate"] > 0);
    listener.configure({ ...RIG_SETTINGS, maxAcceptsPerSecond: 0 });
    assert.equal(await ask(), "a");
  });

  test("a silent connection is closed after the idle time-out, a busy one is not", async (t) => {
    const echo = await startEcho(t);
    const { listener, port } = await startRig(t, createEngine(), inTurn(echo), { idleTimeoutMs: 1_000 });
    const [quiet, busy] = [await openClient(t, port), await openClient(t, port)];
    const talk = setInterval(() => busy.write("."), 100);
    t.after(() => clearInterval(talk));
    busy.resume();
    const { aborted } = await readToEnd(quiet);
    assert.equal(aborted, false);
    await until(() => listener.totals().ends.idle === 1);
    assert.equal(listener.totals().openConnections, 1);
  });

  test("a connection that has ended in one direction has a time-out of its own", async (t) => {
    const silent = await startSilent(t);
    const { listener, port } = await startRig(t, createEngine(), inTurn(silent), {
      halfCloseTimeoutMs: 1_000,
    });
    const [open, half] = [await openClient(t, port), await openClient(t, port)];
    half.end();
    await readToEnd(half);
    await until(() => listener.totals().ends.idle === 1);
    assert.equal(listener.totals().openConnections, 1);
    open.destroy();
  });

  for (const version of [1, 2] as const) {
    test(`backends are told who the client is by PROXY protocol ${version}`, async (t) => {
      const [echo, path] = [await startEcho(t), socketPath(t)];
      const addresses = [{ host: "::", port: 0 }, { path }];
      const { listener } = await startRig(t, createEngine(), inTurn(echo), { addresses, sendProxy: version });
      const port = portAt(listener, 0);
      for (const host of ["127.0.0.1", "::1"]) {
        const client = connect({ port, host });
        t.after(() => client.destroy());
        await once(client, "connect");
        client.end("hello");
        const source = { address: client.localAddress ?? "", port: client.localPort ?? 0 };
        const header = proxyHeader(version, { source, destination: { address: host, port } });
        assert.deepEqual((await readToEnd(client)).data, Buffer.concat([header, Buffer.from("hello")]));
      }
      const local = await openAt(t, path);
      local.end();
      assert.deepEqual((await readToEnd(local)).data, proxyHeader(version, undefined));
      // The header is none of the client's bytes.
      assert.equal(listener.counters(echo.id).bytesIn, 10);
      listener.configure(RIG_SETTINGS);
      const plain = await openClient(t, port);
      plain.end("x");
      assert.equal((await readToEnd(plain)).data.toString(), "x");
    });
  }

  const FROM = { address: "192.0.2.1", port: 1_234 } as const;
  const ROUTES = [
    { source: FROM, destination: { address: "198.51.100.2", port: 80 } },
    { source: { address: "2001:db8::1", port: 65_535 }, destination: { address: "::", port: 1 } },
  ];

  for (const version of [1, 2] as const) {
    test(`a proxy says by PROXY protocol ${version} who the client is, and it is passed on`, async (t) => {
      const echo = await startEcho(t);
      const options = { acceptProxyFrom: ["10.0.0.0/8", "127.0.0.0/30"], sendProxy: 2 } as const;
      const { listener, port } = await startRig(t, createEngine(), inTurn(echo), options);
      for (const route of ROUTES) {
        const client = await openClient(t, port);
        client.end(Buffer.concat([proxyHeader(version, route), Buffer.from("hello")]));
        const expected = Buffer.concat([proxyHeader(2, route), Buffer.from("hello")]);
        assert.deepEqual((await readToEnd(client)).data, expected);
      }
      assert.equal(listener.counters(echo.id).bytesIn, 10);
      // A connection that the other proxy has made for itself, byte by byte.
      const client = await openClient(t, port);
      client.setNoDelay(true);
      for (const byte of localHeader(version)) {
        client.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      client.end("x");
      const source = { address: "127.0.0.1", port: client.localPort ?? 0 };
      const own = proxyHeader(2, { source, destination: { address: "127.0.0.1", port } });
      assert.deepEqual((await readToEnd(client)).data, Buffer.concat([own, Buffer.from("x")]));
    });
  }

  test("from elsewhere a PROXY header is data like any other", async (t) => {
    const echo = await startEcho(t);
    const options = { acceptProxyFrom: ["127.0.0.2/32", "::1/128"] };
    const { listener, port } = await startRig(t, createEngine(), inTurn(echo), options);
    const client = await openClient(t, port);
    client.end(proxyHeader(1, ROUTES[0]));
    assert.deepEqual((await readToEnd(client)).data, proxyHeader(1, ROUTES[0]));
    listener.configure({ ...RIG_SETTINGS, acceptProxyFrom: ["127.0.0.1/32"] });
    const later = await openClient(t, port);
    later.end(proxyHeader(1, ROUTES[0]));
    assert.equal((await readToEnd(later)).data.length, 0);
  });

  const SIGNATURE = localHeader(2).subarray(0, 12);
  const WRONG: readonly (readonly [what: string, bytes: Buffer | string])[] = [
    ["no header", "GET / HTTP/1.1\r\n\r\n"],
    ["a line that does not end", `PROXY TCP4 ${"1".repeat(200)}`],
    ["an address that is none", "PROXY TCP4 192.0.2.256 192.0.2.1 1 2\r\n"],
    ["an address of another family", "PROXY TCP6 192.0.2.1 192.0.2.1 1 2\r\n"],
    ["a port that is none", "PROXY TCP4 192.0.2.1 192.0.2.1 65536 2\r\n"],
    ["a field too many", "PROXY TCP4 192.0.2.1 192.0.2.1 1 2 3\r\n"],
    ["two blanks", "PROXY TCP4  192.0.2.1 192.0.2.1 1 2\r\n"],
    ["another command", Buffer.concat([SIGNATURE, Buffer.from([0x22, 0, 0, 0])])],
    ["another version", Buffer.concat([SIGNATURE, Buffer.from([0x11, 0x11, 0, 0])])],
    [
      "too short for its family",
      Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x21, 0, 12]), Buffer.alloc(12)]),
    ],
    ["too long", Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])])],
  ];

  test("a proxy without a right PROXY header is reset, and counted", async (t) => {
    const [echo, all] = [await startEcho(t), ["0.0.0.0/0"]];
    const { listener, port, event } = await startRig(t, createEngine(), inTurn(echo), {
      acceptProxyFrom: all,
    });
    for (const [what, bytes] of WRONG) {
      const client = await openClient(t, port);
      client.write(bytes);
      assert.deepEqual(await readToEnd(client), { data: Buffer.alloc(0), aborted: true }, what);
    }
    await event((each) => each.type === "refused" && each.reason === "proxy-header");
    const { refusals, refusedByLimit, openConnections } = listener.totals();
    assert.deepEqual(
      [refusals["proxy-header"], refusedByLimit, openConnections],
      [WRONG.length, WRONG.length, 0],
    );
    assert.equal(echo.sockets.length, 0);
  });

  test("a proxy that says nothing is reset after some seconds, or leaves early", async (t) => {
    const [echo, acceptProxyFrom] = [await startEcho(t), ["127.0.0.1/32"]];
    const { listener, port } = await startRig(t, createEngine(), inTurn(echo), { acceptProxyFrom });
    const [silent, aborting, ending] = [
      await openClient(t, port),
      await openClient(t, port),
      await openClient(t, port),
    ];
    silent.write("PROXY TCP4 ");
    aborting.resetAndDestroy();
    ending.end();
    await until(() => listener.totals().leftEarly === 2);
    assert.equal((await readToEnd(silent)).aborted, true);
    assert.equal(listener.totals().refusals["proxy-header"], 1);
  });

  test("the limit per client is that of the client a proxy speaks for", async (t) => {
    const silent = await startSilent(t);
    const options = { acceptProxyFrom: ["127.0.0.0/8"], maxConnectionsPerClient: 1 };
    const { listener, port } = await startRig(t, createEngine(), inTurn(silent), options);
    const open = async (last: number): Promise<Socket> => {
      const client = await openClient(t, port);
      const source = { address: `192.0.2.${last}`, port: 1 };
      client.write(proxyHeader(2, { source, destination: FROM }));
      return client;
    };
    const [first] = [await open(1), await open(2)];
    await until(() => silent.sockets.length === 2);
    assert.equal((await readToEnd(await open(1))).aborted, true);
    assert.equal(listener.totals().refusals["client-limit"], 1);
    first.resetAndDestroy();
    await until(() => listener.totals().openConnections === 1);
    await open(1);
    await until(() => silent.sockets.length === 3);
  });

  test("the port of a closed listener is free again", async (t) => {
    const engine = createEngine();
    const { listener, port } = await startRig(t, engine, inTurn());
    await listener.close(0);
    const again = await startRig(t, engine, inTurn(), { addresses: [{ host: "127.0.0.1", port }] });
    assert.equal(portOf(again.listener), port);
  });
}
