import assert from "node:assert/strict";
import { test } from "node:test";
import type { Engine } from "../engine.js";
import { startFull } from "./full-peer.js";
import { deadTarget, openClient, readToEnd, startNamed, startPeer, startSilent } from "./peers.js";
import { proxyHeader } from "../../proxy-header.js";
import { inTurn, startRig, until, withoutConnection } from "./rig.js";

/** Which target a connection goes to: order, changes of the table, retries, holding. */
export function routingSuite(createEngine: (maxConnections?: number) => Engine): void {
  const letters = async (ask: () => Promise<string>, count: number): Promise<string> => {
    let order = "";
    for (let i = 0; i < count; i++) order += await ask();
    return order;
  };

  test("the first connection goes to the second target, then round in order", async (t) => {
    const targets = await Promise.all(["a", "b", "c"].map((id) => startNamed(t, id)));
    const { ask } = await startRig(t, createEngine(), inTurn(...targets));
    assert.equal(await letters(ask, 7), "bcabcab");
  });

  test("a weighted sequence is walked as it is", async (t) => {
    const targets = await Promise.all(["a", "b"].map((id) => startNamed(t, id)));
    const { ask } = await startRig(t, createEngine(), {
      targets,
      sequence: [0, 0, 1],
      choice: "turn",
      holdMs: 0,
    });
    assert.equal(await letters(ask, 6), "abaaba");
  });

  test("many connections at once take the targets in strict turn", async (t) => {
    const targets = await Promise.all(["a", "b", "c"].map((id) => startNamed(t, id)));
    const { ask, listener } = await startRig(t, createEngine(), inTurn(...targets));
    await Promise.all(Array.from({ length: 300 }, ask));
    for (const { id } of targets) assert.equal(listener.counters(id).totalConnections, 100);
  });

  test("a table with carry goes on where the round was, one without starts anew", async (t) => {
    const [a, b, c] = await Promise.all(["a", "b", "c"].map((id) => startNamed(t, id)));
    assert.ok(a && b && c);
    const { ask, listener } = await startRig(t, createEngine(), inTurn(a, b));
    assert.equal(await letters(ask, 1), "b");
    await listener.apply({ ...inTurn(a, b, c), carry: [0, 1] });
    assert.equal(await letters(ask, 2), "ca");
    await listener.apply({ ...inTurn(b, c), carry: [1, 0, 1] });
    assert.equal(await letters(ask, 3), "bcb");
    await listener.apply(inTurn(b, c));
    assert.equal(await letters(ask, 1), "c");
  });

  test("a refused target is retried on the next without moving the round, counted and reported", async (t) => {
    const [a, c] = await Promise.all(["a", "c"].map((id) => startNamed(t, id)));
    assert.ok(a && c);
    const dead = await deadTarget(t, "dead");
    const { ask, listener, events } = await startRig(t, createEngine(), inTurn(a, dead, c));
    assert.equal(await letters(ask, 6), "ccacca");
    await until(() => events.length >= 2);
    assert.deepEqual(
      events.map(withoutConnection),
      [1, 2].map((consecutive) => ({
        type: "connect-failed",
        target: "dead",
        tried: dead.endpoints[0],
        code: "ECONNREFUSED",
        consecutive,
      })),
    );
    assert.equal(listener.counters("dead").failedConnects, 2);
    assert.equal(listener.totals().connectFailed, 0);
  });

  test("a target outside the sequence is tried when all others have failed", async (t) => {
    const resort = await startNamed(t, "resort");
    const dead = await deadTarget(t, "dead");
    const { ask } = await startRig(t, createEngine(), {
      targets: [dead, resort],
      sequence: [0],
      choice: "turn",
      holdMs: 0,
    });
    assert.equal(await ask(), "resort");
  });

  test("no more targets are tried than maxAttempts; then the client is reset", async (t) => {
    const dead = await Promise.all(["d1", "d2", "d3"].map((id) => deadTarget(t, id)));
    const works = await startNamed(t, "works");
    const { ask, listener, events } = await startRig(t, createEngine(), inTurn(works, ...dead));
    assert.equal(await ask(), "reset");
    await until(() => events.length >= 4);
    assert.equal(events.filter(({ type }) => type === "connect-failed").length, 3);
    assert.deepEqual(events.slice(3).map(withoutConnection), [{ type: "refused", reason: "no-backend" }]);
    assert.equal(listener.totals().connectFailed, 1);
  });

  test("the endpoints of a target are tried in order, and the one that worked first the next time", async (t) => {
    const works = await startNamed(t, "works");
    const dead = await deadTarget(t, "x");
    const target = { id: "name", weight: 1, endpoints: [...dead.endpoints, ...works.endpoints] };
    const { ask, listener, events } = await startRig(t, createEngine(), inTurn(target));
    assert.equal(await ask(), "works");
    await startPeer(t, "late", (socket) => socket.resume().end("late"), dead.endpoints[0]);
    assert.equal(await ask(), "works");
    assert.deepEqual(events, []);
    assert.equal(listener.counters("name").failedConnects, 0);
  });

  test("of a target whose endpoints all fail the last one is told, which may be one of IPv6", async (t) => {
    const [first, last] = [await deadTarget(t, "x"), await deadTarget(t, "y")];
    const port = last.endpoints[0]?.port ?? 0;
    const target = { id: "name", weight: 1, endpoints: [...first.endpoints, { host: "::1", port }] };
    const { ask, event } = await startRig(t, createEngine(), inTurn(target));
    assert.equal(await ask(), "reset");
    const failed = await event(({ type }) => type === "connect-failed");
    assert.ok(failed.type === "connect-failed");
    assert.deepEqual([failed.tried, failed.code], [{ host: "::1", port }, "ECONNREFUSED"]);
  });

  test("a target without an endpoint can't be connected", async (t) => {
    const { ask, event } = await startRig(
      t,
      createEngine(),
      inTurn({ id: "none", weight: 1, endpoints: [] }),
    );
    assert.equal(await ask(), "reset");
    assert.deepEqual(withoutConnection(await event(({ type }) => type === "connect-failed")), {
      type: "connect-failed",
      target: "none",
      tried: undefined,
      code: "ENOENDPOINT",
      consecutive: 1,
    });
  });

  test("a target that does not answer is given up after the connect timeout", async (t) => {
    const full = await startFull(t);
    const works = await startNamed(t, "works");
    const { ask, events } = await startRig(t, createEngine(), inTurn(works, full), { connectTimeoutMs: 150 });
    assert.equal(await ask(), "works");
    await until(() => events.length > 0);
    assert.deepEqual(events.map(withoutConnection), [
      {
        type: "connect-failed",
        target: "full",
        tried: full.endpoints[0],
        code: "ETIMEDOUT",
        consecutive: 1,
      },
    ]);
  });

  test("success after failures is reported", async (t) => {
    const dead = await deadTarget(t, "x");
    const { ask, listener, event } = await startRig(t, createEngine(), inTurn({ ...dead, id: "x" }));
    assert.equal(await ask(), "reset");
    const back = await startNamed(t, "x");
    await listener.apply(inTurn(back));
    assert.equal(await ask(), "x");
    await event(({ type }) => type === "connect-recovered");
  });

  test("after apply no connection goes to a target that left, not even by retry; open ones stay", async (t) => {
    const [old, fresh] = await Promise.all(["old", "fresh"].map((id) => startNamed(t, id)));
    const keeper = await startSilent(t, "keeper");
    assert.ok(old && fresh);
    const { ask, listener, event, port } = await startRig(t, createEngine(), inTurn(keeper));
    const client = await openClient(t, port);
    const server = await keeper.next();
    await until(() => listener.counters("keeper").totalConnections === 1);
    await listener.apply(inTurn(old));
    await listener.apply(inTurn(fresh));
    assert.equal(await letters(ask, 3), "freshfreshfresh");
    assert.equal(listener.counters("keeper").activeConnections, 1);
    server.end("kept");
    client.end();
    assert.equal((await readToEnd(client)).data.toString(), "kept");
    await event((reported) => reported.type === "drained" && reported.target === "keeper");
    assert.equal(listener.counters("keeper").totalConnections, 0);
  });

  test("a connection that is being connected to a target that loses its turn goes to another at once", async (t) => {
    const full = await startFull(t);
    const works = await startNamed(t, "works");
    const { ask, listener, events } = await startRig(t, createEngine(), inTurn(full), {
      connectTimeoutMs: 60_000,
    });
    const answer = ask();
    await until(() => listener.counters("full").activeConnections === 1);
    await listener.apply({ targets: [works, full], sequence: [0], choice: "turn", holdMs: 0 });
    assert.equal(await answer, "works");
    assert.deepEqual(events, []);
  });

  test("however often its target loses its turn, a connection is not given up", async (t) => {
    const full = [await startFull(t), await startFull(t), await startFull(t), await startFull(t)];
    const targets = full.map((target, i) => ({ ...target, id: `full ${i}` }));
    const works = await startNamed(t, "works");
    const { ask, listener } = await startRig(t, createEngine(), inTurn(), { connectTimeoutMs: 60_000 });
    await listener.apply(inTurn(...targets.slice(0, 1)));
    const answer = ask();
    for (const [i, { id }] of targets.entries()) {
      await until(() => listener.counters(id).activeConnections === 1);
      await listener.apply(inTurn(targets[i + 1] ?? works));
    }
    assert.equal(await answer, "works");
  });

  test("with an empty sequence a client is reset at once, or held until there is a target", async (t) => {
    const a = await startNamed(t, "a");
    const empty = { targets: [], sequence: [], choice: "turn" as const, holdMs: 0 };
    const { ask, listener } = await startRig(t, createEngine(), empty);
    assert.equal(await ask(), "reset");
    await listener.apply({ ...empty, holdMs: 60_000 });
    const held = [ask(), ask()];
    await until(() => listener.totals().openConnections === 2);
    await listener.apply(inTurn(a));
    assert.deepEqual(await Promise.all(held), ["a", "a"]);
  });

  test("a held client is reset when its time is over", async (t) => {
    const { ask, listener } = await startRig(t, createEngine(), {
      targets: [],
      sequence: [],
      choice: "turn",
      holdMs: 50,
    });
    assert.equal(await ask(), "reset");
    assert.equal(listener.totals().holdExpired, 1);
    assert.equal(listener.totals().openConnections, 0);
  });

  test("beyond the most connections a client is reset, counted and reported; then there is room again", async (t) => {
    const silent = await startSilent(t);
    const { ask, listener, port, event } = await startRig(t, createEngine(2), inTurn(silent));
    const clients = [await openClient(t, port), await openClient(t, port)];
    await until(() => silent.sockets.length === 2);
    assert.equal(await ask(), "reset");
    await event((reported) => reported.type === "refused" && reported.reason === "connection-limit");
    assert.equal(listener.totals().refusedByLimit, 1);
    for (const client of clients) client.resetAndDestroy();
    await until(() => listener.totals().openConnections === 0);
    const next = await openClient(t, port);
    await until(() => silent.sockets.length === 3);
    next.destroy();
  });

  test("an address in use is one clear line", async (t) => {
    const engine = createEngine();
    const taken = await startSilent(t);
    await assert.rejects(
      startRig(t, engine, inTurn(), { addresses: [{ host: "127.0.0.1", port: taken.port }] }),
      {
        code: "LISTEN_FAILED",
        message: `cannot listen on 127.0.0.1:${taken.port}: the address is in use already`,
      },
    );
  });

  test("`least` takes the target with the fewest connections for its weight, of equal ones the next in turn", async (t) => {
    const targets = [await startSilent(t, "a"), await startSilent(t, "b"), await startSilent(t, "c")];
    const weighted = targets.map((target, index) => ({ ...target, weight: index === 2 ? 2 : 1 }));
    const table = { ...inTurn(...weighted), choice: "least" as const };
    const { listener, port } = await startRig(t, createEngine(), table);
    const open = (): number[] => targets.map(({ id }) => listener.counters(id).activeConnections);
    const clients = [];
    for (let count = 1; count <= 8; count++) {
      clients.push(await openClient(t, port));
      await until(() => listener.totals().openConnections === count && sum(open()) === count);
    }
    assert.deepEqual(open(), [2, 2, 4]);
    targets[0]?.sockets.forEach((socket) => socket.resetAndDestroy());
    await until(() => open()[0] === 0);
    for (let count = 1; count <= 2; count++) {
      await openClient(t, port);
      await until(() => open()[0] === count);
    }
  });

  test("`two` takes the one with fewer connections", async (t) => {
    const targets = [await startSilent(t, "a"), await startSilent(t, "b")];
    const { listener, port } = await startRig(t, createEngine(), inTurn(...targets));
    const open = (): number[] => targets.map(({ id }) => listener.counters(id).activeConnections);
    for (let count = 1; count <= 6; count++) {
      await openClient(t, port);
      await until(() => sum(open()) === count);
    }
    targets[1]?.sockets.forEach((socket) => socket.resetAndDestroy());
    await until(() => open()[1] === 0);
    await listener.apply({ ...inTurn(...targets), choice: "two" });
    for (let count = 1; count <= 3; count++) {
      await openClient(t, port);
      await until(() => open()[1] === count);
    }
  });

  test("`hash` takes the same target for the same client, and the same in each engine", async (t) => {
    const targets = await Promise.all(["a", "b", "c", "d"].map((id) => startNamed(t, id)));
    const table = { ...inTurn(...targets), choice: "hash" as const };
    const { port } = await startRig(t, createEngine(), table, { acceptProxyFrom: ["127.0.0.0/8"] });
    const ask = async (address: string, destination: string): Promise<string> => {
      const client = await openClient(t, port);
      const to = { address: destination, port: 1 };
      client.write(proxyHeader(2, { source: { address, port: 1 }, destination: to }));
      return (await readToEnd(client)).data.toString();
    };
    let order = "";
    for (let last = 1; last <= 8; last++) {
      const first = await ask(`192.0.2.${last}`, "192.0.2.0");
      assert.equal(await ask(`192.0.2.${last}`, "192.0.2.9"), first);
      order += first;
    }
    for (let last = 1; last <= 4; last++) order += await ask(`2001:db8::${last}`, "::1");
    assert.equal(order, HASHED);
  });
}

/** Where the clients of the test above go, by FNV-1a and MurmurHash3's last steps. */
const HASHED = "abccddbddadc";

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
