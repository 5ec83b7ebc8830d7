import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { EtcdClient, HeldLease } from "./etcd-client.js";
import { clientOf, followed } from "./testing/client.js";
import { hasEtcd, startCluster, startEtcd } from "./testing/etcd-server.js";
import { startWay } from "./testing/way.js";

/** A lease whose states can be waited for. */
function hold(t: TestContext, client: EtcdClient, ttlSeconds: number) {
  const states: { held: boolean; error: string }[] = [];
  let look = (): void => undefined;
  const lease: HeldLease = client.holdLease(ttlSeconds, {
    onState(held, error) {
      states.push({ held, error });
      look();
    },
  });
  t.after(() => lease.release());
  const until = (held: boolean, limitMs = 20_000): Promise<void> =>
    new Promise((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`not held=${held}: ${JSON.stringify(states)}`)),
        limitMs,
      );
      look = () => {
        if (states.at(-1)?.held !== held) return;
        clearTimeout(late);
        resolve();
      };
      look();
    });
  return { lease, states, until };
}

test("what is put under a lease is there as long as it is held, and gone when it is released", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)]);
  const recorder = await followed(t, client, "k/");
  const { lease, states, until } = hold(t, client, 2);
  const id = (): bigint | undefined => lease.id;
  assert.equal(id(), undefined);
  lease.put("k/a", "1");
  lease.put("k/b", "2");
  await until(true);
  assert.notEqual(id(), undefined);
  assert.equal(recorder.value("k/a") ?? (await client.read({ key: "k/a" })).entries[0]?.value, "1");
  lease.put("k/a", "3");
  await recorder.until(() => recorder.value("k/a") === "3");
  lease.delete("k/b");
  await recorder.until(() => !recorder.entries.has("k/b"));
  // A user may write under it, too.
  await client.commit([], [{ put: "k/c", value: "4", lease: id() ?? 0n }]);
  // Longer than the lease lasts by itself: it is kept alive.
  await assert.rejects(
    recorder.until(() => !recorder.entries.has("k/a"), 5_000),
    /not so/,
  );
  assert.deepEqual(states, [{ held: true, error: "" }]);
  await lease.release();
  assert.equal(id(), undefined);
  // Sooner than it would have ended by itself.
  const tookMs = await recorder.until(() => recorder.entries.size === 0);
  assert.ok(tookMs < 1_000, `${tookMs} ms`);
  assert.deepEqual((await client.read({ prefix: "k/" })).entries, []);
  lease.put("k/a", "never");
  await lease.release();
});

test("a lease that etcd let end is granted anew, and all that was put is there again", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server]);
  const recorder = await followed(t, client, "k/");
  const { lease, states, until } = hold(t, client, 30);
  lease.put("k/a", "1");
  lease.put("k/b", "2");
  lease.delete("k/b");
  await until(true);
  const first = lease.id;
  server.ctl("lease", "revoke", first?.toString(16) ?? "");
  await recorder.until(() => !recorder.entries.has("k/a"));
  await recorder.until(() => recorder.value("k/a") === "1");
  await until(true);
  assert.notEqual(lease.id, first);
  assert.deepEqual(
    states.map(({ held }) => held),
    [true, false, true],
  );
  assert.equal(recorder.entries.has("k/b"), false);
});

test("cut off from etcd: the lease counts as held until it would end, then no more, and comes back", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const observer = clientOf(t, [server]);
  const recorder = await followed(t, observer, "k/");
  const way = await startWay(t, server.endpoint);
  const { lease, states, until } = hold(t, clientOf(t, [way]), 3);
  lease.put("k/a", "1");
  await until(true);
  const cutAt = performance.now();
  way.close();
  await until(false);
  const tookMs = performance.now() - cutAt;
  assert.ok(tookMs > 900 && tookMs < 3_100, `${tookMs} ms`);
  assert.match(states.at(-1)?.error ?? "", /the lease has ended: etcd at/);
  assert.equal(lease.id, undefined);
  // We know it before etcd does, or somebody could take what is still ours.
  assert.equal(recorder.value("k/a"), "1");
  await recorder.until(() => !recorder.entries.has("k/a"));
  lease.put("k/a", "2");
  way.open();
  await until(true);
  await recorder.until(() => recorder.value("k/a") === "2");
  assert.deepEqual(
    states.map(({ held }) => held),
    [true, false, true],
  );
});

test("a member that is killed does not end the lease: another one keeps it alive", async (t) => {
  if (!hasEtcd(t)) return;
  const members = await startCluster(t);
  const client = clientOf(t, members);
  const recorder = await followed(t, client, "k/");
  const { lease, states, until } = hold(t, client, 15);
  lease.put("k/a", "1");
  await until(true);
  const { id } = lease;
  await members[0]?.kill();
  lease.put("k/b", "2");
  await recorder.until(() => recorder.value("k/b") === "2");
  assert.equal(lease.id, id);
  assert.deepEqual(states, [{ held: true, error: "" }]);
  assert.ok(!recorder.events.some(({ type }) => type === "delete"));
});

test("what etcd refuses is told, tried again, and does not keep the rest from being written", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)]);
  const recorder = await followed(t, client, "k/");
  const { lease, states, until } = hold(t, client, 3);
  await until(true);
  lease.put("k/a", "x".repeat(1_700_000));
  lease.put("k/b", "2");
  await until(false);
  assert.match(
    states.at(-1)?.error ?? "",
    /^k\/a can't be written: etcd at .*: it takes no request of 17000\d\d bytes \(its --max-request-bytes is /,
  );
  await recorder.until(() => recorder.value("k/b") === "2");
  assert.notEqual(lease.id, undefined);
  lease.put("k/a", "1");
  await until(true);
  await recorder.until(() => recorder.value("k/a") === "1");
});
