import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { pino } from "pino";
import { parseBackends, setBackends } from "../control/backend-list.js";
import type { DeployNote, MemberService } from "../control/fleet.js";
import { completeHealthCheck } from "../control/health-check.js";
import { NO_LIMITS } from "../control/drain.js";
import { isLater, type Latest, type SharedService, type Version } from "../control/shared-service.js";
import { createEtcdClient } from "../etcd/create-etcd-client.js";
import type { EtcdClient } from "../etcd/etcd-client.js";
import { EtcdError } from "../etcd/etcd-error.js";
import { hasEtcd, startEtcd, type EtcdServer } from "../etcd/testing/etcd-server.js";
import { startWay } from "../etcd/testing/way.js";
import { EtcdFleet } from "./etcd-fleet.js";
import { EtcdList } from "./etcd-list.js";
import { createKeys } from "./keys.js";
import { encodeShared } from "./shared-codec.js";

const LIMIT_MS = 20_000;

async function join(
  t: TestContext,
  { endpoint }: Pick<EtcdServer, "endpoint">,
  id: string,
  name = `name-${id}`,
): Promise<EtcdFleet> {
  const client = createEtcdClient({ endpoints: [endpoint] });
  const self = { id, name, version: "1", startedUnixMs: 1 };
  const logger = pino({ level: "silent" });
  const fleet = new EtcdFleet({ client, prefix: "/t/", leaseSeconds: 2, self, logger });
  t.after(() => fleet.close());
  assert.ok(await fleet.reached(LIMIT_MS));
  return fleet;
}

/** Resolves once it is so. */
function until(fleet: EtcdFleet, isSo: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isSo()) return;
      stop();
      resolve();
    };
    const stop = fleet.onChange(look);
    look();
  });
}

function listOf(revision: number, ...addresses: string[]): SharedService {
  return {
    revision,
    list: setBackends([], parseBackends(addresses.map((address) => ({ address })))),
    healthCheck: undefined,
    pause: undefined,
    drainLimits: NO_LIMITS,
    trial: undefined,
    returnTo: undefined,
    change: { revision, atUnixMs: revision, verb: "set", actor: "me", from: "" },
  };
}

const serving = (revision: number): MemberService[] => [
  { service: "web", revision, openConnections: 0, backends: [], deploy: undefined },
];
const note = (id: string): DeployNote => {
  const check = completeHealthCheck({ kind: { type: "tcp" } });
  return { id, coordinator: "1", fleet: true, check, candidates: [], leaving: ["a:1"] };
};
const names = (fleet: EtcdFleet): string[] => fleet.members().map(({ name }) => name);

test("proxies know of each other, of what they tell, and of who has left", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const [one, two] = [await join(t, server, "1"), await join(t, server, "2")];
  one.report(serving(1));
  two.report(serving(1));
  await until(one, () => one.members().length === 2);
  assert.deepEqual(names(one), ["name-1", "name-2"]);
  two.report(serving(5));
  await until(one, () => one.members()[1]?.services[0]?.revision === 5);
  await two.close();
  await until(one, () => one.members().length === 1);
});

test("two live proxies of one name tell so, and who takes the place of one that was killed does not", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const [killed, one] = [await join(t, server, "0", "web"), await join(t, server, "1", "web")];
  const told: boolean[] = [];
  one.onChange(() => told.push(one.members().some(({ sharesName }) => sharesName)));
  for (const fleet of [killed, one]) fleet.report(serving(1));
  await until(one, () => one.members().length === 2);
  killed.handOver();
  await until(one, () => one.members().length === 1);
  const [two, other] = [await join(t, server, "2", "web"), await join(t, server, "3")];
  for (const fleet of [two, other]) fleet.report(serving(1));
  assert.ok(!told.includes(true));
  const shared = (): string[] => other.members().flatMap(({ id, sharesName }) => (sharesName ? id : []));
  await until(other, () => shared().join() === "1,2");
  await two.close();
  await until(other, () => other.members().length === 2 && shared().length === 0);
});

test("a list is changed by one of two that saw the same, and the other ones are told", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const [one, two] = [await join(t, server, "1"), await join(t, server, "2")];
  const heard: Latest[] = [];
  two.follow("web", (latest) => void heard.push(latest));
  const [mine, yours] = [one.copyOf("web"), two.copyOf("web")];
  const { service, version: none } = await mine.latest();
  assert.deepEqual([service, none.exists], [undefined, false]);
  const first = await mine.replace(none, listOf(1, "a:1"));
  assert.ok(first);
  assert.equal(await yours.replace(none, listOf(1, "b:1")), undefined);
  const seen = await yours.latest();
  assert.deepEqual([seen.service, seen.version], [listOf(1, "a:1"), first]);
  const results = await Promise.all([
    mine.replace(first, listOf(2, "a:1", "c:1")),
    yours.replace(first, listOf(2, "a:1", "d:1")),
  ]);
  assert.equal(results.filter((version) => version !== undefined).length, 1);
  await until(two, () => heard.some((latest) => latest.service?.revision === 2));
  assert.deepEqual(
    (await mine.changes(1, 2)).map(({ revision, list }) => [revision, list.length]),
    [
      [1, 1],
      [2, 2],
    ],
  );
});

test("a list is removed with its history, but not one that has changed since, nor one of a like name", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const fleet = await join(t, server, "1");
  const [copy, like] = [fleet.copyOf("web"), fleet.copyOf("web.1")];
  for (const each of [copy, like])
    assert.ok(await each.replace((await each.latest()).version, listOf(1, "a:1")));
  const { version: first } = await copy.latest();
  const second = await copy.replace(first, listOf(2, "b:1"));
  assert.ok(second);
  assert.equal(await copy.remove(first), false);
  assert.equal((await copy.latest()).service?.revision, 2);
  assert.equal(await copy.remove(second), true);
  assert.equal((await copy.latest()).service, undefined);
  const left = server.ctl("get", "--prefix", "--keys-only", "/t/").match(/^.*web.*$/gm) ?? [];
  assert.deepEqual(
    left.map((key) => key.replace(/0+(?=1$)/, "")),
    ["/t/history/web.1/1", "/t/live/services/web.1"],
  );
});

test("the history keeps the last hundred changes", async (t) => {
  if (!hasEtcd(t)) return;
  const fleet = await join(t, await startEtcd(t), "1");
  const copy = fleet.copyOf("web");
  let { version: seen } = await copy.latest();
  for (let revision = 1; revision <= 103; revision++)
    seen = (await copy.replace(seen, listOf(revision, "a:1"))) ?? assert.fail("it was refused");
  const kept = (await copy.changes(0, 1_000)).map(({ revision }) => revision);
  assert.deepEqual([kept[0], kept.length], [4, 100]);
});

/** A list that no request could make longer. */
function longestList(revision: number): SharedService {
  const names = Array.from({ length: 1_024 }, (_, index) => {
    const label = `${String(index).padStart(4, "0")}${"x".repeat(59)}`;
    return `${[label, label, label, label.slice(0, 61)].join(".")}:65535`;
  });
  const { list } = listOf(revision, ...names);
  const weighed = list.map((backend) => ({ ...backend, weight: 256 }));
  const trial = { proxies: ["1"], list: weighed };
  return { ...listOf(revision, "a:1"), list: weighed, trial, returnTo: weighed };
}

test("the longest lists fit into a request of etcd, and one that it refuses is told of, with nothing changed", async (t) => {
  if (!hasEtcd(t)) return;
  const fleet = await join(t, await startEtcd(t), "1");
  const copy = fleet.copyOf("web");
  const { version: none } = await copy.latest();
  assert.ok(await copy.replace(none, longestList(1)));
  const narrow = await startEtcd(t, { flags: ["--max-request-bytes", "100000"] });
  const other = (await join(t, narrow, "2")).copyOf("web");
  const first = await other.replace((await other.latest()).version, listOf(1, "a:1"));
  assert.ok(first);
  await assert.rejects(other.replace(first, longestList(2)), {
    code: "STORE_FAILED",
    message:
      /^the store refuses the change: .* takes no request of \d{7} bytes \(its --max-request-bytes is /,
  });
  const { service, version } = await other.latest();
  assert.deepEqual([service?.revision, version], [1, first]);
  assert.deepEqual((await other.changes(1, 9)).length, 1);
});

test("a deploy is announced by one proxy at a time, and withdrawn also if etcd was away meanwhile", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const [one, two] = [await join(t, server, "1"), await join(t, server, "2")];
  for (const fleet of [one, two]) fleet.report(serving(1));
  await until(one, () => one.members().length === 2);
  const withdraw = await one.announce("web", note("d1"));
  await until(two, () => two.deployOf("web")?.id === "d1");
  await assert.rejects(two.announce("web", note("d2")), {
    code: "DEPLOY_IN_PROGRESS",
    message: /carried out by name-1$/,
    details: { deploy: "d1" },
  });
  await server.kill();
  await until(one, () => !one.store.available);
  withdraw();
  await server.start();
  await until(two, () => two.deployOf("web") === undefined);
  await two.announce("web", note("d2"));
});

test("a proxy whose lease has run out is known again, and so is its deploy", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const [one, two] = [await join(t, server, "1"), await join(t, server, "2")];
  for (const fleet of [one, two]) fleet.report(serving(1));
  await until(two, () => two.members().length === 2);
  await one.announce("web", note("d1"));
  await until(two, () => two.deployOf("web") !== undefined);
  for (const lease of server.ctl("lease", "list").match(/^[0-9a-f]{10,}$/gm) ?? [])
    server.ctl("lease", "revoke", lease);
  await until(two, () => two.deployOf("web") === undefined);
  await until(two, () => names(two).length === 2 && two.deployOf("web")?.id === "d1");
});

test("without etcd the last is known and so is since when; what can't be read there changes nothing", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const fleet = await join(t, server, "1");
  const heard: (number | undefined)[] = [];
  fleet.follow("web", ({ service }) => void heard.push(service?.revision));
  await fleet.copyOf("web").replace((await fleet.copyOf("web").latest()).version, listOf(1, "a:1"));
  await until(fleet, () => heard.includes(1));
  server.ctl("put", "/t/live/services/web", "{}");
  server.ctl("put", "/t/live/proxies/x", "[]");
  server.ctl(
    "put",
    "/t/live/proxies/y",
    JSON.stringify({ id: "y", name: "y", version: "", startedUnixMs: 1, services: [] }),
  );
  await until(fleet, () => fleet.members().some(({ id }) => id === "y"));
  assert.deepEqual([heard.at(-1), fleet.members().some(({ id }) => id === "x")], [1, false]);
  await assert.rejects(fleet.copyOf("web").latest(), { code: "STORE_FAILED" });
  const before = Date.now();
  await server.kill();
  await until(fleet, () => !fleet.store.available);
  const { staleSinceUnixMs, error } = fleet.store;
  assert.ok((staleSinceUnixMs ?? 0) >= before && error !== "");
  await assert.rejects(fleet.copyOf("web").latest(), { code: "STORE_UNAVAILABLE", details: {} });
});

test("what can't be read of the history or of a deploy hides nothing else, and is no internal error", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  const one = await join(t, server, "1");
  one.report(serving(1));
  const copy = one.copyOf("web");
  const first = await copy.replace((await copy.latest()).version, listOf(1, "a:1"));
  assert.ok(first && (await copy.replace(first, listOf(2, "b:1"))));
  server.ctl("put", createKeys("/t/").change("web", 1), "garbage");
  assert.deepEqual(
    (await copy.changes(1, 2)).map(({ revision }) => revision),
    [2],
  );
  server.ctl("put", "/t/live/deploys/api", "garbage");
  await assert.rejects(one.announce("api", note("d1")), { code: "STORE_FAILED" });
  await one.announce("web", note("d2"));
  const two = await join(t, server, "2");
  assert.equal(two.deployOf("web")?.id, "d2");
});

test("what a store says that has begun anew is later than all it said before, whatever its revisions", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startEtcd(t);
  for (const puts of [0, 60]) {
    const way = await startWay(t, server.endpoint);
    const fleet = await join(t, way, "1");
    const copy = fleet.copyOf("web");
    const before = await copy.replace((await copy.latest()).version, listOf(5, "a:1"));
    assert.ok(before);
    const heard: Latest[] = [];
    fleet.follow("web", (latest) => void heard.push(latest));
    await until(fleet, () => heard.at(-1)?.service?.revision === 5);
    const other = { id: "y", name: "y", version: "", startedUnixMs: 1, services: [] };
    server.ctl("put", "/t/live/proxies/y", JSON.stringify(other));
    await until(fleet, () => fleet.members().length === 1);
    way.close();
    await until(fleet, () => !fleet.store.available);
    await server.kill();
    server.wipe();
    await server.start();
    server.ctl("put", "/t/live/services/web", encodeShared({ write: "w", value: listOf(7, "b:1") }));
    for (let i = 0; i < puts; i++) server.ctl("put", "/other", String(i));
    way.open();
    await until(fleet, () => heard.at(-1)?.service?.revision === 7);
    const after = heard.at(-1)?.version;
    assert.ok(after && isLater(after, before), `after ${puts} puts`);
    assert.deepEqual(fleet.members(), []);
  }
});

/** An etcd whose commits have the outcome that the test says; what was committed is read. */
function fakeEtcd(outcomes: readonly ("lost" | "made and lost" | "unreachable" | "made")[]) {
  const kept = new Map<string, { value: string; modRevision: bigint }>();
  let [revision, count] = [10n, 0];
  const apply: EtcdClient["commit"] = (guards, writes) => {
    const holds = guards.every(({ key, modRevision }) => (kept.get(key)?.modRevision ?? 0n) === modRevision);
    const entries = guards.flatMap(({ key }) => {
      const found = kept.get(key);
      return found ? [{ key, ...found }] : [];
    });
    if (!holds) return Promise.resolve({ done: false, revision, entries });
    revision += 1n;
    for (const write of writes)
      if ("put" in write) kept.set(write.put, { value: write.value, modRevision: revision });
    return Promise.resolve({ done: true, revision });
  };
  const client: Pick<EtcdClient, "commit" | "read"> = {
    async commit(guards, writes) {
      const outcome = outcomes[count++] ?? "made";
      if (outcome === "unreachable") throw new EtcdError("unreachable", "no way");
      if (outcome === "lost") throw new EtcdError("unknown", "no answer");
      const done = await apply(guards, writes);
      if (outcome === "made and lost") throw new EtcdError("unknown", "no answer");
      return done;
    },
    read(what) {
      const found = "key" in what ? kept.get(what.key) : undefined;
      const entries = found && "key" in what ? [{ key: what.key, ...found }] : [];
      return Promise.resolve({ revision, entries });
    },
  };
  const list = new EtcdList({
    client: client as EtcdClient,
    keys: createKeys("/t/"),
    service: "web",
    epoch: () => 0,
    available: () => true,
  });
  return { list, overwrite: (seen: Version, next: SharedService) => list.replace(seen, next) };
}

const NONE: Version = { epoch: 0, number: 0n, exists: false };

test("a change whose answer was lost is found to be made, and made once", async () => {
  const { list } = fakeEtcd(["made and lost"]);
  assert.deepEqual(await list.replace(NONE, listOf(1, "a:1")), { epoch: 0, number: 11n, exists: true });
});

test("one that was lost on its way is sent again", async () => {
  const { list } = fakeEtcd(["lost", "lost"]);
  assert.deepEqual(await list.replace(NONE, listOf(1, "a:1")), { epoch: 0, number: 11n, exists: true });
});

test("one that was made, and changed by another proxy before it could be asked for, is known to be made", async () => {
  const { list, overwrite } = fakeEtcd(["made and lost", "made", "made"]);
  const lost = list.replace(NONE, listOf(1, "a:1"));
  await overwrite({ epoch: 0, number: 11n, exists: true }, listOf(2, "b:1"));
  assert.equal((await lost)?.exists, true);
});

test(
  "one that surely was not made says so, and one that can't be told says that",
  { timeout: LIMIT_MS },
  async () => {
    const refused = fakeEtcd(["unreachable"]).list.replace(NONE, listOf(1, "a:1"));
    await assert.rejects(refused, { code: "STORE_UNAVAILABLE", details: {} });
    const lost = fakeEtcd(Array.from({ length: 200 }, () => "lost" as const)).list;
    await assert.rejects(lost.replace(NONE, listOf(1, "a:1")), {
      code: "STORE_UNAVAILABLE",
      details: { outcome: "unknown" },
    });
  },
);
