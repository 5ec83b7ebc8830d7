import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { createEtcdClient } from "./create-etcd-client.js";
import type { Commit } from "./etcd-client.js";
import { EtcdError } from "./etcd-error.js";
import { clientOf } from "./testing/client.js";
import { hasEtcd, startEtcd } from "./testing/etcd-server.js";

const isOf =
  (kind: string, text = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof EtcdError, String(error));
    assert.equal(error.kind, kind, error.message);
    assert.match(error.message, text);
    return true;
  };

test("what was committed is read, by key and by prefix, and as etcdctl sees it", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server]);
  const before = await client.read({ prefix: "" });
  assert.deepEqual(before.entries, []);
  const { done, revision } = await client.commit(
    [],
    [
      { put: "a/ü", value: "€" },
      { put: "a/1", value: "" },
      { put: "b/1", value: "other" },
    ],
  );
  assert.equal(done, true);
  assert.equal(revision, before.revision + 1n);
  assert.deepEqual(await client.read({ prefix: "a/" }), {
    revision,
    entries: [
      { key: "a/1", value: "", modRevision: revision },
      { key: "a/ü", value: "€", modRevision: revision },
    ],
  });
  assert.deepEqual((await client.read({ key: "a/ü" })).entries.length, 1);
  assert.deepEqual((await client.read({ key: "a/" })).entries, []);
  assert.equal((await client.read({ prefix: "" })).entries.length, 3);
  assert.equal(server.ctl("get", "--print-value-only", "b/1"), "other\n");
});

test("a commit is done as a whole, or not at all if a guard does not hold", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)]);
  const first = await client.commit([{ key: "a", modRevision: 0n }], [{ put: "a", value: "1" }]);
  assert.equal(first.done, true);
  const again = await client.commit(
    [
      { key: "b", modRevision: 0n },
      { key: "a", modRevision: 0n },
    ],
    [{ put: "b", value: "never" }, { delete: "a" }],
  );
  const held = [{ key: "a", value: "1", modRevision: first.revision }];
  assert.deepEqual(again, { done: false, revision: first.revision, entries: held } satisfies Commit);
  const changed = await client.commit(
    [{ key: "a", modRevision: first.revision }],
    [{ put: "b", value: "2" }, { delete: "a" }],
  );
  assert.equal(changed.done, true);
  const { entries } = await client.read({ prefix: "" });
  assert.deepEqual(entries, [{ key: "b", value: "2", modRevision: changed.revision }]);
});

test("of many that change the same key at once, exactly one succeeds each time", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const clients = [clientOf(t, [server]), clientOf(t, [server])];
  const addOne = async (index: number): Promise<void> => {
    const client = clients[index % 2] as (typeof clients)[number];
    for (;;) {
      const entry = (await client.read({ key: "n" })).entries[0];
      const value = String(Number(entry?.value ?? 0) + 1);
      const guard = { key: "n", modRevision: entry?.modRevision ?? 0n };
      if ((await client.commit([guard], [{ put: "n", value }])).done) return;
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => addOne(index)));
  const read = await clients[0]?.read({ key: "n" });
  assert.equal(read?.entries[0]?.value, "20");
});

test("a value of 1 MiB is kept; what is larger than etcd takes is refused as invalid", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)]);
  const value = "€".repeat(349_525);
  assert.equal((await client.commit([], [{ put: "big", value }])).done, true);
  assert.equal((await client.read({ key: "big" })).entries[0]?.value, value);
  const commit = async (size: number) => client.commit([], [{ put: "bigger", value: "x".repeat(size) }]);
  await assert.rejects(
    commit(1_600_000),
    isOf("invalid", /no request of 16000\d\d bytes .*--max-request-bytes/),
  );
  await assert.rejects(
    commit(3_000_000),
    isOf("invalid", /no request of 30000\d\d bytes .*--max-request-bytes/),
  );
  const twice = client.commit([], [{ delete: "a" }, { put: "a", value: "" }]);
  await assert.rejects(twice, isOf("invalid", /duplicate key/));
});

test("a prefix larger than any message is read in pages, at one revision", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startEtcd(t)], { callTimeoutMs: 10_000 });
  const value = "x".repeat(200_000);
  const keys = Array.from({ length: 400 }, (_, index) => `s/${String(index).padStart(4, "0")}`);
  for (let index = 0; index < keys.length; index += 5)
    await client.commit(
      [],
      keys.slice(index, index + 5).map((put) => ({ put, value })),
    );
  const reading = client.read({ prefix: "s/" }, 30_000);
  const { done } = await client.commit([], [{ delete: "s/0399" }, { put: "s/0000", value: "changed" }]);
  assert.equal(done, true);
  const { entries, revision } = await reading;
  const length = entries.reduce((sum, entry) => sum + entry.value.length, 0);
  const late = entries[0]?.value === "changed";
  assert.deepEqual(
    entries.map(({ key }) => key),
    late ? keys.slice(0, -1) : keys,
  );
  assert.equal(length, late ? 398 * 200_000 + "changed".length : 400 * 200_000);
  assert.ok(entries.every(({ modRevision }) => modRevision <= revision));
});

test("etcd that isn't there: what surely was not sent is unreachable, and tried again until the limit", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server]);
  await client.commit([], [{ put: "a", value: "1" }]);
  await server.kill();
  // A read is tried again if it meets the connection that is just breaking; a commit would be unknown there.
  await assert.rejects(client.read({ key: "a" }, 300), isOf("unreachable", /ECONNREFUSED/));
  await assert.rejects(
    client.commit([], [{ put: "a", value: "2" }], 300),
    isOf("unreachable", /ECONNREFUSED/),
  );
  const reading = client.read({ key: "a" }, 60_000);
  const committing = client.commit([], [{ put: "b", value: "3" }], 60_000);
  await server.start();
  assert.equal((await reading).entries[0]?.value, "1");
  assert.equal((await committing).done, true);
});

test("a frozen etcd: a commit on an open connection is unknown, and one that needs a new one unreachable", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server], { callTimeoutMs: 400 });
  await client.commit([], [{ put: "a", value: "1" }]);
  server.freeze();
  const startedAt = performance.now();
  await assert.rejects(client.commit([], [{ put: "a", value: "2" }], 1_000), isOf("unknown", /[Dd]eadline/));
  assert.ok(performance.now() - startedAt < 900);
  await assert.rejects(
    client.commit([], [{ put: "a", value: "3" }], 1_000),
    isOf("unreachable", /no answer|connection/),
  );
  assert.ok(performance.now() - startedAt < 1_900);
  server.thaw();
  // Whether etcd, running again, sees first the request or that we gave it up, is open.
  assert.match((await client.read({ key: "a" })).entries[0]?.value ?? "", /^[12]$/);
});

test("etcd that is killed while it has a commit: unknown, and never sent twice", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server], { callTimeoutMs: 10_000 });
  const { revision } = await client.commit([], [{ put: "a", value: "1" }]);
  server.freeze();
  const committing = client.commit([], [{ put: "a", value: "2" }]);
  const failing = assert.rejects(committing, isOf("unknown"));
  // The request is on its way once the kernel has taken it; a frozen etcd can't have answered.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await server.kill();
  await failing;
  await server.start();
  const { entries } = await client.read({ key: "a" });
  const { modRevision, value } = entries[0] ?? {};
  assert.ok((value === "1" && modRevision === revision) || (value === "2" && modRevision === revision + 1n));
});

test("something else than etcd at the address: the error says so", async (t) => {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const client = createEtcdClient({ endpoints: [{ host: "127.0.0.1", port }], callTimeoutMs: 300 });
  t.after(() => client.close());
  await assert.rejects(client.read({ key: "a" }, 500), isOf("unreachable", new RegExp(`127.0.0.1:${port}`)));
  assert.throws(() => createEtcdClient({ endpoints: [] }), isOf("invalid"));
});

test("close ends what is under way at once, with the kind that it has", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const client = clientOf(t, [server], { callTimeoutMs: 10_000 });
  await client.commit([], [{ put: "a", value: "1" }]);
  server.freeze();
  const failing = Promise.all([
    assert.rejects(client.commit([], [{ put: "a", value: "2" }]), isOf("unknown", /cancelled/i)),
    assert.rejects(client.read({ key: "a" }), isOf("unknown", /cancelled/i)),
  ]);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const closedAt = performance.now();
  client.close();
  await failing;
  assert.ok(performance.now() - closedAt < 1_000);
});

test("after close, nothing is under way, nothing is begun, and the process can end", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const { host, port } = server.endpoint;
  const program = `
    import { createEtcdClient } from ${JSON.stringify(new URL("./create-etcd-client.js", import.meta.url).href)};
    const client = createEtcdClient({ endpoints: [{ host: ${JSON.stringify(host)}, port: ${port} }, { host: "127.0.0.1", port: 1 }] });
    await client.commit([], [{ put: "a", value: "1" }]);
    await new Promise((resolve) => {
      const parts = { onSnapshot() {}, onEvents() {}, onState: resolve };
      client.follow("", parts);
    });
    const lease = client.holdLease(30, { onState() {} });
    lease.put("b", "2");
    const left = client.read({ key: "a" }).then(() => "read", (error) => error.kind);
    client.close();
    console.log(await left, await client.read({ key: "a" }).catch((error) => error.kind));
    const closedAt = performance.now();
    process.on("exit", () => console.log(performance.now() - closedAt < 1000 ? "soon" : "late"));
  `;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(run.stderr, "");
  assert.match(run.stdout, /^(read|unknown|unreachable) unreachable\nsoon\n$/);
});
