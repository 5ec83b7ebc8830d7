import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import type { Engine } from "../engine.js";
import { aborted, openClient, readToEnd, startEcho, startNamed, startSilent, type Peer } from "./peers.js";
import { inTurn, startRig, until, type Rig } from "./rig.js";

const MIB = 1024 * 1024;

interface Pair extends Rig {
  readonly peer: Peer;
  readonly client: Socket;
  /** The same connection, at the backend. */
  readonly server: Socket;
}

/** What happens on a connection once it is open: bytes, ends, aborts, backpressure. */
export function relaySuite(createEngine: (maxConnections?: number) => Engine): void {
  const startPair = async (t: TestContext): Promise<Pair> => {
    const peer = await startSilent(t);
    const rig = await startRig(t, createEngine(), inTurn(peer));
    const client = await openClient(t, rig.port);
    const server = await peer.next();
    await until(() => rig.listener.counters(peer.id).totalConnections === 1);
    return { ...rig, peer, client, server };
  };
  const over = ({ listener }: Rig): Promise<void> => until(() => listener.totals().openConnections === 0);

  test("a client that half-closes still gets its whole reply", async (t) => {
    const pair = await startPair(t);
    pair.client.end("question");
    assert.deepEqual(await readToEnd(pair.server), { data: Buffer.from("question"), aborted: false });
    pair.server.end("answer");
    assert.deepEqual(await readToEnd(pair.client), { data: Buffer.from("answer"), aborted: false });
    await over(pair);
  });

  test("a backend that half-closes still gets all of the client's data", async (t) => {
    const pair = await startPair(t);
    pair.server.end("greeting");
    assert.deepEqual(await readToEnd(pair.client), { data: Buffer.from("greeting"), aborted: false });
    pair.client.end("late data");
    assert.deepEqual(await readToEnd(pair.server), { data: Buffer.from("late data"), aborted: false });
    await over(pair);
  });

  for (const [from, to] of [
    ["client", "server"],
    ["server", "client"],
  ] as const) {
    test(`an abort by the ${from} arrives at the ${to} as an abort`, async (t) => {
      const pair = await startPair(t);
      const noticed = aborted(t, pair[to]);
      pair[from].resetAndDestroy();
      await noticed;
      await over(pair);
    });

    test(`an abort by the ${from} after it has half-closed arrives at the ${to} as an abort`, async (t) => {
      const pair = await startPair(t);
      pair[from].end("last words");
      await once(pair[from], "finish");
      assert.equal((await readToEnd(pair[to])).data.toString(), "last words");
      const noticed = aborted(t, pair[to]);
      pair[from].resetAndDestroy();
      await noticed;
      await over(pair);
    });

    test(`an abort by the ${from} while its data waits for a slow ${to} arrives as an abort`, async (t) => {
      const pair = await startPair(t);
      pair[from].write(Buffer.alloc(64 * MIB));
      await settled(() => pair.listener.counters(pair.peer.id)[from === "client" ? "bytesIn" : "bytesOut"]);
      pair[from].resetAndDestroy();
      await over(pair);
      assert.equal((await readToEnd(pair[to])).aborted, true);
    });

    test(`an abort by the ${from} right after its data arrives at the ${to} as an abort, not as an end`, async (t) => {
      const pair = await startPair(t);
      const ending = readToEnd(pair[to]);
      // One turn of the event loop for both: the data is not read before the abort has come, too.
      pair[from].write("half an answer");
      pair[from].resetAndDestroy();
      assert.equal((await ending).aborted, true);
      await over(pair);
    });

    test(`50 MiB from the ${from}, then FIN, all reach a ${to} that begins to read only afterwards`, async (t) => {
      const pair = await startPair(t);
      const data = randomBytes(50 * MIB);
      pair[from].end(data);
      await settled(() => pair.listener.counters(pair.peer.id)[from === "client" ? "bytesIn" : "bytesOut"]);
      const ending = await readToEnd(pair[to]);
      assert.equal(ending.aborted, false);
      assert.equal(sha(ending.data), sha(data));
    });

    test(`a ${to} that does not read stops the ${from} after bounded memory`, async (t) => {
      const pair = await startPair(t);
      const block = Buffer.alloc(MIB);
      let written = 0;
      const pump = (): void => {
        while (written < 256 && pair[from].write(block)) written += 1;
      };
      pair[from].on("drain", pump);
      pump();
      await settled(() => pair.listener.counters(pair.peer.id)[from === "client" ? "bytesIn" : "bytesOut"]);
      assert.ok(written < 128, `${written} MiB were taken in`);
    });
  }

  test("bytes of any size arrive in order and complete, both ways at once", async (t) => {
    const echo = await startEcho(t);
    const { port, listener } = await startRig(t, createEngine(), inTurn(echo));
    const streams = Array.from({ length: 8 }, async () => {
      const client = await openClient(t, port);
      const sizes = [1, 2, 100, 65_535, 65_536, 65_537, 300_000, 3];
      const data = randomBytes(sizes.reduce((sum, size) => sum + size, 0));
      let offset = 0;
      for (const size of sizes) client.write(data.subarray(offset, (offset += size)));
      client.end();
      assert.equal(sha((await readToEnd(client)).data), sha(data));
      return data.length;
    });
    const lengths = await Promise.all(streams);
    const { bytesIn, bytesOut } = listener.counters("echo");
    const total = lengths.reduce((sum, length) => sum + length, 0);
    assert.deepEqual([bytesIn, bytesOut], [total, total]);
  });

  test("a client that leaves before its backend is connected leaves nothing behind", async (t) => {
    const named = await startNamed(t, "x");
    const { port, listener } = await startRig(t, createEngine(), inTurn(named));
    for (let i = 0; i < 50; i++) {
      const client = connect({ port, host: "127.0.0.1" });
      client.on("error", () => undefined);
      client.on("connect", () => client.resetAndDestroy());
    }
    await until(() => listener.totals().acceptedConnections === 50);
    await until(() => listener.totals().openConnections === 0);
    assert.equal(listener.counters("x").activeConnections, 0);
  });

  test("close lets connections end, and resets the rest when the time is over", async (t) => {
    const pair = await startPair(t);
    const other = await openClient(t, pair.port);
    const otherServer = await pair.peer.next();
    const closed = pair.listener.close(200);
    assert.equal(pair.listener.close(0), closed);
    otherServer.end();
    other.end();
    await readToEnd(other);
    assert.equal((await readToEnd(pair.client)).aborted, true);
    assert.deepEqual(await closed, { ended: 1, cut: 1 });
    await assert.rejects(once(connect({ port: pair.port, host: "127.0.0.1" }), "connect"), {
      code: "ECONNREFUSED",
    });
  });

  test("destroy resets everything at once and ends a close under way", async (t) => {
    const pair = await startPair(t);
    const closed = pair.listener.close(60_000);
    pair.listener.destroy();
    pair.listener.destroy();
    assert.deepEqual(await closed, { ended: 0, cut: 1 });
    assert.equal((await readToEnd(pair.client)).aborted, true);
  });

  test("2,000 connections that end in every way leave no descriptor behind", async (t) => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    const pair = await startPair(t);
    const ends: ((client: Socket, server: Socket) => void)[] = [
      (client) => client.end(),
      (_, server) => server.end(),
      (client) => client.resetAndDestroy(),
      (_, server) => server.resetAndDestroy(),
      (client) => client.end("x", () => client.resetAndDestroy()),
      (client, server) => {
        server.write(Buffer.alloc(300_000));
        client.resetAndDestroy();
      },
    ];
    const before = descriptors();
    for (let i = 0; i < 2_000; i++) {
      const client = connect({ port: pair.port, host: "127.0.0.1" });
      client.on("error", () => undefined);
      const server = await pair.peer.next();
      for (const side of [client, server]) side.on("end", () => side.end()).resume();
      ends[i % ends.length]?.(client, server);
    }
    await until(() => pair.listener.totals().openConnections === 1);
    await until(() => descriptors() <= before);
  });
}

const sha = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

/** Resolves when a counter has stopped rising. */
async function settled(read: () => number): Promise<void> {
  let [last, same] = [-1, 0];
  await until(() => {
    same = read() === last && last > 0 ? same + 1 : 0;
    last = read();
    return same >= 20;
  });
}
