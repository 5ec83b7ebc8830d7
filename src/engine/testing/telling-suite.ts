import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { proxyHeader } from "../../proxy-header.js";
import type { ClientConnection, Engine, EngineEvent } from "../engine.js";
import { startFull } from "./full-peer.js";
import { deadTarget, openClient, readToEnd, startEcho, startNamed, startPeer, startSilent } from "./peers.js";
import { inTurn, startRig, until } from "./rig.js";

type Ended = Extract<EngineEvent, { readonly type: "ended" }>;

const isEnd = (event: EngineEvent): event is Ended => event.type === "ended";

function connectionOf(event: EngineEvent | undefined): ClientConnection {
  assert.ok(event && "connection" in event, JSON.stringify(event));
  return event.connection;
}

/** What an engine tells of single connections, and by which ids. */
export function tellingSuite(createEngine: (maxConnections?: number, tellEnds?: boolean) => Engine): void {
  const createTelling = (): Engine => createEngine(10_000, true);

  test("what is told of one connection has its id and client, also when its limit or its pause refuses it", async (t) => {
    const dead = await deadTarget(t, "dead");
    const { listener, port, events } = await startRig(t, createEngine(), inTurn(dead));
    const comeFrom = (localAddress: string): void =>
      void connect({ port, host: "127.0.0.1", localAddress }).on("error", () => undefined);
    comeFrom("127.0.0.77");
    await until(() => events.length === 2);
    const [failed, refused] = events.map(connectionOf);
    assert.deepEqual(failed, refused);
    assert.equal(failed?.client?.host, "127.0.0.77");
    assert.match(failed.id, /^rig-\d+$/);
    listener.pause({ holdMs: 60_000, maxHeld: 0 });
    comeFrom("127.0.0.78");
    await until(() => events.length === 3);
    assert.equal(connectionOf(events[2]).client?.host, "127.0.0.78");
    assert.notEqual(connectionOf(events[2]).id, failed.id);
  });

  test("of two listeners no two connections have the same id", async (t) => {
    const [engine, dead] = [createEngine(), await deadTarget(t, "dead")];
    const rigs = [await startRig(t, engine, inTurn(dead)), await startRig(t, engine, inTurn(dead))];
    for (let i = 0; i < 20; i++) for (const { ask } of rigs) assert.equal(await ask(), "reset");
    await until(() => rigs.every(({ events }) => events.length === 40));
    const ids = rigs.flatMap(({ events }) => events.map((event) => connectionOf(event).id));
    assert.equal(new Set(ids).size, 40);
  });

  test("nor of two of which one comes when the other is gone", async (t) => {
    const [engine, dead] = [createEngine(), await deadTarget(t, "dead")];
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { ask, events, listener } = await startRig(t, engine, inTurn(dead));
      await ask();
      await until(() => events.length === 2);
      ids.push(connectionOf(events[1]).id);
      await listener.close(0);
    }
    assert.equal(new Set(ids).size, 3);
  });

  test("the end of a connection tells of whom, how long and how much, by each cause", async (t) => {
    const twice = await startPeer(t, "twice", (socket) => {
      socket.on("data", (data) => socket.write(Buffer.concat([data, data])));
      socket.on("end", () => socket.end()).resume();
    });
    const { listener, port, events, event } = await startRig(t, createTelling(), inTurn(twice));
    const client = await openClient(t, port);
    const asked = { host: "127.0.0.1", port: client.localPort };
    client.write("hello");
    await new Promise((resolve) => client.once("data", resolve).resume());
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.end("!");
    await readToEnd(client);
    const { connection, openMs, waitMs, ...rest } = (await event(isEnd)) as Ended;
    assert.deepEqual(connection.client, asked);
    assert.ok(openMs >= 40 && openMs < 5_000 && waitMs >= 0 && waitMs < 5_000, `${waitMs} ${openMs}`);
    assert.deepEqual(rest, { type: "ended", target: "twice", cause: "client", bytesIn: 6, bytesOut: 12 });
    const cut = await openClient(t, port);
    await until(() => listener.counters("twice").totalConnections === 2);
    listener.cut("twice");
    await readToEnd(cut);
    await until(() => events.length === 2);
    const { cause, target } = events[1] as Ended;
    assert.deepEqual([cause, target], ["drain", "twice"]);
  });

  test("a client that aborts is still known, and one that leaves before there is a target had none", async (t) => {
    const silent = await startSilent(t);
    const { listener, port, events } = await startRig(t, createTelling(), inTurn(silent));
    const aborting = await openClient(t, port);
    const ports = [aborting.localPort];
    await until(() => listener.counters(silent.id).totalConnections === 1);
    aborting.resetAndDestroy();
    await until(() => events.length === 1);
    listener.pause({ holdMs: 60_000, maxHeld: 10 });
    const held = await openClient(t, port);
    ports.push(held.localPort);
    await until(() => listener.totals().heldConnections === 1);
    held.resetAndDestroy();
    await until(() => events.length === 2);
    const last = await openClient(t, port);
    ports.push(last.localPort);
    await until(() => listener.totals().heldConnections === 1);
    listener.destroy();
    await until(() => events.length === 3);
    assert.deepEqual(
      events.filter(isEnd).map(({ connection, cause, target }) => [connection.client?.port, cause, target]),
      [
        [ports[0], "client", "silent"],
        [ports[1], "left-early", undefined],
        [ports[2], "shutdown", undefined],
      ],
    );
  });

  test("ends of all at once are each told, with the target's name, before it is told as drained", async (t) => {
    const silent = await startSilent(t);
    const { listener, port, events, event } = await startRig(t, createTelling(), inTurn(silent));
    const count = 200;
    await Promise.all(Array.from({ length: count }, () => openClient(t, port)));
    await until(() => silent.sockets.length === count);
    await listener.apply(inTurn(await deadTarget(t, "dead")));
    for (const socket of silent.sockets) socket.resetAndDestroy();
    await event(({ type }) => type === "drained");
    assert.deepEqual(new Set(events.filter(isEnd).map(({ target }) => target)), new Set(["silent"]));
    assert.deepEqual([events.length, events.at(-1)?.type], [count + 1, "drained"]);
  });

  test("ends of all at once are each told also if the listener is over by them", async (t) => {
    const silent = await startSilent(t);
    const { listener, port, events } = await startRig(t, createTelling(), inTurn(silent));
    const count = 200;
    await Promise.all(Array.from({ length: count }, () => openClient(t, port)));
    await until(() => silent.sockets.length === count);
    const closed = listener.close(Infinity);
    for (const socket of silent.sockets) socket.resetAndDestroy();
    assert.deepEqual(await closed, { ended: count, cut: 0 });
    assert.equal(events.filter((each) => isEnd(each) && each.target === "silent").length, count);
  });

  test("a shutdown tells the end of each connection, however many there are", async (t) => {
    const { listener, port, events } = await startRig(t, createTelling(), inTurn(), { maxHeld: 5_000 });
    listener.pause({ holdMs: 60_000, maxHeld: 5_000 });
    const count = 4_500;
    for (let made = 0; made < count; made += 500)
      await Promise.all(Array.from({ length: 500 }, () => openClient(t, port)));
    await until(() => listener.totals().heldConnections === count);
    await listener.close(0);
    assert.equal(events.filter((each) => isEnd(each) && each.cause === "shutdown").length, count);
  });

  test("one that was refused is told as that alone, whatever the reason", async (t) => {
    const dead = await deadTarget(t, "dead");
    const limits = { maxConnections: 1 };
    const { ask, events, listener, port } = await startRig(t, createTelling(), inTurn(dead), limits);
    assert.equal(await ask(), "reset");
    listener.pause({ holdMs: 200, maxHeld: 1 });
    const held = await openClient(t, port);
    assert.equal(await ask(), "reset");
    await readToEnd(held);
    await until(() => events.length >= 4);
    await listener.close(0);
    assert.deepEqual(
      events.map((event) => (event.type === "refused" ? event.reason : event.type)),
      ["connect-failed", "no-backend", "service-limit", "hold-expired"],
    );
  });

  test("a client that leaves while a target is being connected had none", async (t) => {
    const { event, port, listener } = await startRig(t, createTelling(), inTurn(await startFull(t)));
    const client = await openClient(t, port);
    await until(() => listener.counters("full").activeConnections === 1);
    client.resetAndDestroy();
    const { target, cause, openMs } = (await event(isEnd)) as Ended;
    assert.deepEqual([target, cause, openMs], [undefined, "left-early", 0]);
  });

  test("an engine that is not asked to tell of ends tells of none", async (t) => {
    const { ask, events, listener } = await startRig(t, createEngine(), inTurn(await startNamed(t, "a")));
    assert.equal(await ask(), "a");
    await listener.close(10_000);
    assert.deepEqual(events, []);
  });

  test("the client is the one that a PROXY header names, in its shortest spelling", async (t) => {
    const echo = await startEcho(t);
    const options = { acceptProxyFrom: ["127.0.0.1/32"] };
    const { port, events } = await startRig(t, createTelling(), inTurn(echo), options);
    for (const address of ["192.0.2.7", "2001:db8:0:0:0:0:0:7", "::ffff:192.0.2.8"]) {
      const client = await openClient(t, port);
      const destination = { address: address.includes(":") ? "2001:db8::1" : "192.0.2.1", port: 1 };
      client.end(proxyHeader(2, { source: { address, port: 65_535 }, destination }));
      await readToEnd(client);
    }
    await until(() => events.length === 3);
    assert.deepEqual(
      events.map((event) => connectionOf(event).client?.host),
      ["192.0.2.7", "2001:db8::7", "192.0.2.8"],
    );
  });

  test("a client of a Unix socket has an id, and no address", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "seamless-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const [path, echo] = [join(folder, "s"), await startEcho(t)];
    const { event } = await startRig(t, createTelling(), inTurn(echo), { addresses: [{ path }] });
    connect(path).end("x").resume();
    const { connection, bytesIn } = (await event(isEnd)) as Ended;
    assert.deepEqual([connection.client, bytesIn], [undefined, 1]);
    assert.match(connection.id, /^rig-\d+$/);
  });
}
