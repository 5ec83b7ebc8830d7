import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { EtcdClient } from "./etcd-client.js";
import { EtcdError } from "./etcd-error.js";
import { clientOf, followed } from "./testing/client.js";
import { type EtcdServer, hasEtcd, startCluster } from "./testing/etcd-server.js";

type Three = [EtcdServer, EtcdServer, EtcdServer];

async function start(t: TestContext): Promise<{ members: Three; client: EtcdClient }> {
  const members = (await startCluster(t)) as Three;
  return { members, client: clientOf(t, members) };
}

async function put(client: EtcdClient, key: string): Promise<void> {
  await client.commit([], [{ put: key, value: key }], 30_000);
}

/** Kinds of failure that a put may have on its way, until it is done. */
async function putUntilDone(client: EtcdClient, key: string): Promise<string[]> {
  const kinds: string[] = [];
  for (;;) {
    try {
      await put(client, key);
      return kinds;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      kinds.push(error.kind);
      assert.ok(kinds.length < 20, error.message);
    }
  }
}

test("when a member is killed, calls and the watch go on at another one, without loss or repetition", async (t) => {
  if (!hasEtcd(t)) return;
  const { members, client } = await start(t);
  await put(client, "k/0");
  const recorder = await followed(t, client, "k/");
  for (const [index, member] of members.entries()) {
    await member.kill();
    // It may have been the leader.
    await putUntilDone(client, `k/${index}/down`);
    await recorder.until(() => recorder.connected && recorder.value(`k/${index}/down`) !== undefined);
    await member.start();
    await putUntilDone(client, `k/${index}/up`);
    await recorder.until(() => recorder.value(`k/${index}/up`) !== undefined);
  }
  assert.equal(recorder.snapshots.length, 1);
  assert.deepEqual(recorder.faults, []);
  const { entries } = await client.read({ prefix: "k/" });
  assert.deepEqual(
    entries.map(({ key }) => recorder.entries.get(key)),
    entries,
  );
  assert.deepEqual(
    recorder.events.length,
    new Set(
      recorder.events.map((event) => (event.type === "put" ? event.entry.modRevision : event.modRevision)),
    ).size,
  );
});

test("when a member is frozen, calls move on after one attempt, and the watch within 4 s", async (t) => {
  if (!hasEtcd(t)) return;
  const { members, client } = await start(t);
  await put(client, "k/0");
  const recorder = await followed(t, client, "k/");
  members[0].freeze();
  t.after(() => members[0].thaw());
  const readAt = performance.now();
  assert.equal((await client.read({ key: "k/0" })).entries.length, 1);
  assert.ok(performance.now() - readAt < 4_500);
  const tookMs = await recorder.until(() => !recorder.connected);
  assert.ok(tookMs < 4_000, `${tookMs} ms`);
  await recorder.until(() => recorder.connected);
  await putUntilDone(client, "k/1");
  await recorder.until(() => recorder.value("k/1") !== undefined);
  assert.equal(recorder.snapshots.length, 1);
  assert.deepEqual(recorder.faults, []);
});

test("a member without a leader ends the watch, and refuses what it can't do before it does it", async (t) => {
  if (!hasEtcd(t)) return;
  const { members, client } = await start(t);
  await put(client, "k/0");
  const recorder = await followed(t, clientOf(t, [members[0]]), "k/");
  await Promise.all([members[1].kill(), members[2].kill()]);
  await recorder.until(() => !recorder.connected);
  assert.match(recorder.errors[0] ?? "", /no leader/);
  const alone = clientOf(t, [members[0]]);
  const commit = alone.commit([], [{ put: "k/1", value: "" }], 1_000);
  await assert.rejects(commit, (error) => error instanceof EtcdError && error.kind === "unreachable");
  await members[1].start();
  await recorder.until(() => recorder.connected);
  await putUntilDone(client, "k/2");
  await recorder.until(() => recorder.value("k/2") !== undefined);
  assert.equal(recorder.value("k/1"), undefined);
  assert.deepEqual(recorder.faults, []);
});
