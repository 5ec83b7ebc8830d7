import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Entry, EtcdClient } from "./etcd-client.js";
import { clientOf, followed } from "./testing/client.js";
import { hasEtcd, startEtcd } from "./testing/etcd-server.js";
import { Recorder } from "./testing/recorder.js";
import { startWay } from "./testing/way.js";

const byKey = (one: Entry, other: Entry): number => (one.key < other.key ? -1 : 1);

async function put(client: EtcdClient, key: string, value = key): Promise<bigint> {
  return (await client.commit([], [{ put: key, value }], 60_000)).revision;
}

test("a follower gets all there is, then every change of its prefix, and each revision as a whole", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)]);
  const revision = await put(client, "k/0");
  await put(client, "other");
  const recorder = await followed(t, client, "k/");
  assert.deepEqual(recorder.snapshots, [
    { revision: revision + 1n, entries: [{ key: "k/0", value: "k/0", modRevision: revision }] },
  ]);
  const sizes: number[] = [];
  const onEvents = recorder.onEvents.bind(recorder);
  recorder.onEvents = (events, last) => {
    sizes.push(events.length);
    onEvents(events, last);
  };
  await client.commit([], [{ put: "k/1", value: "1" }, { delete: "k/0" }, { put: "l", value: "" }]);
  await recorder.until(() => recorder.events.length === 2);
  assert.deepEqual(recorder.events, [
    { type: "put", entry: { key: "k/1", value: "1", modRevision: revision + 2n } },
    { type: "delete", key: "k/0", modRevision: revision + 2n },
  ]);
  assert.deepEqual(sizes, [2]);
  assert.deepEqual(recorder.states, [{ connected: true }]);
  assert.deepEqual(recorder.faults, []);
});

test("kill -9 and restart of etcd: no event is lost, none comes twice, and they flow again within a second", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server]);
  await put(client, "k/first");
  const recorder = await followed(t, client, "k/");
  const writer = clientOf(t, [server]);
  const ending = new AbortController();
  const writing = (async () => {
    for (let written = 0; !ending.signal.aborted; written += 1) {
      const key = `k/${String(written).padStart(5, "0")}`;
      // Written or "unknown", each key is written once at most, so that the list of keys is the history.
      await put(writer, key).catch(() => undefined);
    }
  })();
  for (let round = 1; round <= 3; round += 1) {
    const before = recorder.events.length;
    await recorder.until(() => recorder.events.length > before + 20);
    await server.kill();
    await recorder.until(() => !recorder.connected);
    await server.start();
    const tookMs = await recorder.until(() => recorder.connected);
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
  }
  ending.abort();
  await writing;
  await put(client, "k/last");
  await recorder.until(() => recorder.value("k/last") !== undefined);
  assert.equal(recorder.snapshots.length, 1);
  assert.deepEqual(recorder.faults, []);
  const history = (await client.read({ prefix: "k/" })).entries
    .filter(({ key }) => key !== "k/first")
    .sort((one, other) => Number(one.modRevision - other.modRevision));
  assert.deepEqual(
    recorder.events.map((event) => (event.type === "put" ? event.entry : event)),
    history,
  );
  assert.ok(history.length > 60);
});

/** A follower with a way of its own to etcd, and a client that does not take it. */
async function startAway(t: TestContext) {
  const server = await startEtcd(t);
  const client = clientOf(t, [server]);
  const way = await startWay(t, server.endpoint);
  const follow = () => followed(t, clientOf(t, [way]), "k/");
  return { server, client, way, follow };
}

test("what happened while the follower was away comes when it is back, before it counts as connected", async (t) => {
  if (!hasEtcd(t)) return;
  const { client, way, follow } = await startAway(t);
  const recorder = await follow();
  way.close();
  await recorder.until(() => !recorder.connected);
  for (let index = 0; index < 20; index += 1) await put(client, `k/${index}`);
  await put(client, "other");
  way.open();
  await recorder.until(() => recorder.connected);
  assert.equal(recorder.events.length, 20);
  // Also if it was nothing of its prefix.
  way.close();
  await recorder.until(() => !recorder.connected);
  await put(client, "other");
  way.open();
  await recorder.until(() => recorder.connected);
  assert.equal(recorder.snapshots.length, 1);
  assert.deepEqual(recorder.faults, []);
});

test("history compacted while the follower was away: a new snapshot, then events again", async (t) => {
  if (!hasEtcd(t)) return;
  const { server, client, way, follow } = await startAway(t);
  await put(client, "k/0");
  const recorder = await follow();
  way.close();
  await recorder.until(() => !recorder.connected);
  await client.commit([], [{ delete: "k/0" }]);
  const revision = await put(client, "k/1");
  server.ctl("compact", String(revision));
  way.open();
  await recorder.until(() => recorder.connected);
  assert.deepEqual(
    recorder.snapshots.at(-1)?.entries.map(({ key }) => key),
    ["k/1"],
  );
  assert.equal(recorder.snapshots.length, 2);
  await put(client, "k/2");
  await recorder.until(() => recorder.value("k/2") !== undefined);
  assert.deepEqual(recorder.faults, []);
});

const REWRITTEN: readonly (readonly [
  what: string,
  values: readonly (readonly [key: string, value: string])[],
])[] = [
  ["a lower revision", [["k/a", "new"]]],
  [
    "the same revision and other keys",
    [
      ["k/a", "1"],
      ["k/x", "2"],
      ["other", "3"],
    ],
  ],
  [
    "a higher revision and other keys",
    [
      ["k/a", "1"],
      ["k/x", "2"],
      ["other", "3"],
      ["k/c", "4"],
      ["k/d", "5"],
    ],
  ],
  [
    "the same keys in the same order, and other values",
    [
      ["k/a", "1"],
      ["k/b", "2 new"],
      ["other", "3"],
      ["k/c", "4"],
    ],
  ],
];

for (const [what, values] of REWRITTEN)
  test(`data wiped and written anew, with ${what}: a new snapshot, and nothing is lost`, async (t) => {
    if (!hasEtcd(t)) return;
    const { server, client, way, follow } = await startAway(t);
    await put(client, "k/a", "1");
    await put(client, "k/b", "2");
    await put(client, "other", "3");
    const recorder = await follow();
    way.close();
    await recorder.until(() => !recorder.connected);
    await server.kill();
    server.wipe();
    await server.start();
    for (const [key, value] of values) await put(client, key, value);
    way.open();
    await recorder.until(() => recorder.connected);
    assert.equal(recorder.snapshots.length, 2);
    await put(client, "k/last");
    await recorder.until(() => recorder.value("k/last") !== undefined);
    assert.deepEqual(
      [...recorder.entries.values()].sort(byKey),
      (await client.read({ prefix: "k/" })).entries,
    );
    assert.deepEqual(recorder.faults, []);
  });

test("more events than fit into a message: a new snapshot instead", async (t) => {
  if (!hasEtcd(t)) return;
  const { client, way, follow } = await startAway(t);
  const recorder = await follow();
  way.close();
  await recorder.until(() => !recorder.connected);
  const value = "x".repeat(1_048_576);
  for (let index = 0; index < 70; index += 1) await put(client, `k/${index % 3}`, value);
  way.open();
  await recorder.until(() => recorder.connected, 30_000);
  assert.equal(recorder.snapshots.length, 2);
  assert.deepEqual(recorder.events, []);
  assert.deepEqual([...recorder.entries.keys()], ["k/0", "k/1", "k/2"]);
  assert.deepEqual(recorder.faults, []);
});

test("a follower that throws is given a new snapshot; one that was closed is told nothing any more", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)]);
  const recorder = await followed(t, client, "k/");
  const onEvents = recorder.onEvents.bind(recorder);
  recorder.onEvents = () => {
    recorder.onEvents = onEvents;
    throw new Error("no room");
  };
  await put(client, "k/1");
  await recorder.until(() => recorder.value("k/1") !== undefined);
  assert.equal(recorder.snapshots.length, 2);
  assert.match(recorder.errors.join(), /the follower has failed: Error: no room/);

  const closed = new Recorder();
  const following = client.follow("k/", closed);
  await closed.until(() => closed.connected);
  following.close();
  await put(client, "k/2");
  await recorder.until(() => recorder.value("k/2") !== undefined);
  assert.equal(closed.value("k/2"), undefined);
  assert.deepEqual(closed.states, [{ connected: true }]);
});

test("a frozen etcd is noticed within 4 s, also by a follower to whom nothing happens", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server]);
  const recorder = await followed(t, client, "k/");
  server.freeze();
  const tookMs = await recorder.until(() => !recorder.connected);
  assert.ok(tookMs < 4_000, `${tookMs} ms`);
  assert.match(recorder.errors[0] ?? "", /no word for 3500 ms/);
  server.thaw();
  await recorder.until(() => recorder.connected);
  await put(client, "k/1");
  await recorder.until(() => recorder.value("k/1") !== undefined);
  assert.deepEqual(recorder.faults, []);
  assert.equal(recorder.snapshots.length, 1);
});

test("a silent watch lives on: etcd does not end it, and the next event comes over it", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)]);
  const recorder = await followed(t, client, "k/");
  // With pings every 2 s instead of progress requests, etcd ended the connection after 8 s.
  await assert.rejects(
    recorder.until(() => !recorder.connected, 10_000),
    /not so/,
  );
  await put(client, "k/1");
  await recorder.until(() => recorder.value("k/1") !== undefined);
  assert.deepEqual(recorder.states, [{ connected: true }]);
});
