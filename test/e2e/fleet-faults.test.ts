import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "@seamless/sdk";
import { hasEtcd, startCluster, startWay, type EtcdServer, type Way } from "seamless/testing/etcd";
import { startWebOrEcho } from "../support/backends.js";
import { CheckedStream } from "../support/checked-stream.js";
import { startMember, storeUrl } from "../support/fleet.js";
import { assertLinearizable, type Operation } from "../support/linearizability.js";
import { ListReaders, ListWriters } from "../support/list-writers.js";
import { run } from "../support/process.js";
import type { RunningProxy } from "../support/proxy.js";
import { listOf, RecordedClient } from "../support/recorded-client.js";
import { ShortClients } from "../support/short-clients.js";
import { until } from "../support/until.js";

/** The whole claim, or a part of it, in the same way, that CI has the time for. */
const SIZE =
  process.env["SEAMLESS_E2E_FLEET"] === "full"
    ? { changes: 1_000, kills: 20, freezes: 5, freezeMs: 10_000, pauseMs: 40 }
    : { changes: 150, kills: 3, freezes: 1, freezeMs: 4_000, pauseMs: 40 };
const STREAMS = 5;
/** For all proxies to have what was acknowledged before, from when the store is whole again. */
const RECOVERY_LIMIT_MS = 2_000;
/** A leader and another one: without both there is no majority. */
type Victims = "leader" | "other" | "both";
const KILLED: readonly Victims[] = ["leader", "other", "both"];
const FROZEN: readonly Victims[] = ["leader", "both", "other", "both", "leader"];
const NAMES = ["a", "b", "c", "d"];

interface Cluster {
  readonly members: readonly EtcdServer[];
  readonly proxies: readonly RunningProxy[];
  /** From the last proxy to the store. */
  readonly ways: readonly Way[];
  readonly always: string;
  readonly others: readonly string[];
}

async function startAll(t: TestContext): Promise<Cluster> {
  const members = await startCluster(t);
  const [first, ...rest] = await Promise.all(NAMES.map((name) => startWebOrEcho(t, name)));
  const ways = await Promise.all(members.map(({ endpoint }) => startWay(t, endpoint)));
  const always = first?.address ?? "";
  const proxies = await Promise.all(
    [members, members, ways].map((servers, index) =>
      startMember(t, { name: `web${index + 1}`, store: storeUrl(servers), backends: [always] }),
    ),
  );
  return { members, proxies, ways, always, others: rest.map(({ address }) => address) };
}

/** How long it takes from now until every proxy follows the store, and has applied all that was acknowledged. */
async function timeToCatchUp(proxies: readonly RunningProxy[]): Promise<number> {
  const startedAt = performance.now();
  const [first] = proxies;
  const { state } = (await first?.client.get({ linearizable: true })) ?? assert.fail();
  const hasIt = async (proxy: RunningProxy): Promise<boolean> =>
    (await isFollowing(proxy)) && (await proxy.client.get()).state.revision >= state.revision;
  const haveIt = async (): Promise<boolean> => (await Promise.all(proxies.map(hasIt))).every(Boolean);
  await until(`all proxies to have revision ${state.revision}`, haveIt, 20_000);
  return performance.now() - startedAt;
}

async function leaderOf(members: readonly EtcdServer[]): Promise<EtcdServer> {
  const find = (): EtcdServer | undefined =>
    members.find((member) => {
      const status = member.ctl("endpoint", "status", "--write-out=json");
      return /"member_id":(\d+)/.exec(status)?.[1] === /"leader":(\d+)/.exec(status)?.[1];
    });
  let leader: EtcdServer | undefined;
  await until("a leader", () => (leader = find()) !== undefined);
  return leader ?? assert.fail();
}

/** They have a leader, and do as it says. */
async function untilHealthy(members: readonly EtcdServer[]): Promise<void> {
  const endpoints = members.map(({ endpoint }) => `${endpoint.host}:${endpoint.port}`).join();
  const isHealthy = async (): Promise<boolean> =>
    (await run("etcdctl", ["--endpoints", endpoints, "endpoint", "health"], { env: { ETCDCTL_API: "3" } }))
      .exitCode === 0;
  await until("etcd to be whole again", isHealthy, 20_000);
}

/** What is done to the store, one after the other, each with the time that the proxies needed afterwards. */
class Faults {
  readonly #cluster: Cluster;
  readonly #acknowledged: () => number;
  readonly recoveriesMs: number[] = [];

  constructor(cluster: Cluster, acknowledged: () => number) {
    this.#cluster = cluster;
    this.#acknowledged = acknowledged;
  }

  async injectAll(): Promise<void> {
    const perFreeze = Math.ceil(SIZE.kills / SIZE.freezes);
    for (let kill = 0, freezes = 0; kill < SIZE.kills; kill++) {
      await this.#kill(kill);
      if (kill % perFreeze === 0) await this.#freeze(freezes++);
      if (kill === Math.floor(SIZE.kills / 2)) await this.#compact();
    }
  }

  async #victims(of: Victims = "leader"): Promise<readonly EtcdServer[]> {
    const { members } = this.#cluster;
    const leader = await leaderOf(members);
    const [other = leader] = members.filter((member) => member !== leader);
    return { leader: [leader], other: [other], both: [leader, other] }[of];
  }

  async #kill(round: number): Promise<void> {
    const victims = await this.#victims(KILLED[round % KILLED.length]);
    await Promise.all(victims.map((member) => member.kill()));
    await delay(300 + Math.random() * 1_000);
    await Promise.all(victims.map((member) => member.start()));
    await this.#recover();
  }

  /** The others go on without it, if they are a majority. */
  async #freeze(round: number): Promise<void> {
    const victims = await this.#victims(FROZEN[round % FROZEN.length]);
    const before = this.#acknowledged();
    for (const member of victims) member.freeze();
    await delay(SIZE.freezeMs);
    const during = this.#acknowledged() - before;
    for (const member of victims) member.thaw();
    await untilHealthy(this.#cluster.members);
    if (victims.length === 1)
      assert.ok(during > 0, `nothing was changed while a member stood still for ${SIZE.freezeMs} ms`);
    await this.#recover();
  }

  /** What the last proxy has not heard of is then no more. */
  async #compact(): Promise<void> {
    const { members, ways, proxies } = this.#cluster;
    const [member, cutOff] = [members[0] ?? assert.fail(), proxies.at(-1) ?? assert.fail()];
    for (const way of ways) way.close();
    await until("the proxy to know that it is cut off", async () => !(await isFollowing(cutOff)));
    await this.#changes(10);
    member.ctl("compact", /"revision":(\d+)/.exec(member.ctl("get", "x", "--write-out=json"))?.[1] ?? "");
    await this.#changes(10);
    const [last, first] = [await cutOff.client.get(), await proxies[0]?.client.get({ linearizable: true })];
    assert.ok((first?.state.revision ?? 0n) >= last.state.revision + 20n);
    for (const way of ways) way.open();
    await this.#recover();
  }

  async #changes(count: number): Promise<void> {
    const goal = this.#acknowledged() + count;
    await until(`${count} more changes`, () => this.#acknowledged() >= goal, 30_000);
  }

  async #recover(): Promise<void> {
    this.recoveriesMs.push(await timeToCatchUp(this.#cluster.proxies));
  }
}

async function isFollowing({ client }: RunningProxy): Promise<boolean> {
  return (await client.fleet()).store?.available ?? false;
}

function requireRising(proxy: RunningProxy): void {
  const revisions = proxy.log
    .filter(({ event }) => event === "changed")
    .map((line) => Number(line["revision"]));
  const back = revisions.find((revision, index) => revision <= (revisions[index - 1] ?? 0));
  assert.equal(back, undefined, `a proxy went back to revision ${back}`);
}

test(`${SIZE.changes} changes of a list in etcd, with ${SIZE.kills} kill -9, ${SIZE.freezes} SIGSTOPs and a compaction: none is lost, all are in one order, and no client notices`, async (t) => {
  if (!hasEtcd(t)) return;
  const cluster = await startAll(t);
  const { proxies, always, others } = cluster;
  const start = listOf(
    (await timeToCatchUp(proxies), (await proxies[0]?.client.get())?.state) ?? assert.fail(),
  );
  const history: Operation[] = [];
  const clientsOf = (role: string, chosen: readonly RunningProxy[]): RecordedClient[] =>
    chosen.map(({ grpc }, index) => {
      const client = connect({ address: grpc, retry: { attempts: 1 }, timeoutMs: 20_000 });
      t.after(() => client.close());
      return new RecordedClient(`${role} of web${index + 1}`, client, history);
    });
  const ports = proxies.map(({ port }) => port);
  const streams = ports.flatMap((port) => Array.from({ length: STREAMS }, () => new CheckedStream(port)));
  t.after(() => streams.forEach((stream) => stream.destroy()));
  const visitors = new ShortClients(t, [...ports, ...ports], NAMES);
  const readers = new ListReaders(clientsOf("reader", proxies), 25);
  const clients = [
    ...clientsOf("writer", proxies.slice(0, 2)),
    ...clientsOf("second writer", proxies.slice(0, 2)),
  ];
  const writers = new ListWriters({ clients, always, others, pauseMs: SIZE.pauseMs });
  const faults = new Faults(cluster, () => writers.acknowledged.length);
  const enough = async (): Promise<void> => {
    await faults.injectAll();
    const isEnough = (): boolean => writers.acknowledged.length >= SIZE.changes;
    await until(`${SIZE.changes} changes`, isEnough, SIZE.changes * 200);
  };
  // The history says most of what is wrong, so it is judged first.
  const ends = await Promise.allSettled([enough()]);
  ends.push(...(await Promise.allSettled([writers.end(), readers.end(), visitors.end()])));
  assertLinearizable(history, start);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  const untilEqualMs = await timeToCatchUp(proxies);
  const slowestMs = Math.max(...faults.recoveriesMs, untilEqualMs);
  const count = (kind: string): number => history.filter(({ outcome }) => outcome.kind === kind).length;
  t.diagnostic(
    `${writers.acknowledged.length} changes acknowledged, ${count("unknown")} unknown, ${count("refused")} requests refused, ` +
      `${count("revision-mismatch")} came too late, ${history.length} operations; ${visitors.answered} connections; ` +
      `slowest recovery ${Math.round(slowestMs)} ms of ${faults.recoveriesMs.map(Math.round).join(" ")}`,
  );
  assert.deepEqual(visitors.failures, []);
  assert.ok(visitors.answered > SIZE.changes);
  for (const { sent, received } of await Promise.all(streams.map((stream) => stream.end())))
    assert.equal(received, sent);
  await requireKept(proxies, writers);
  for (const proxy of proxies) requireRising(proxy);
  assert.ok(slowestMs < RECOVERY_LIMIT_MS, `${Math.round(slowestMs)} ms until all proxies were equal`);
});

/** All proxies have the same list and history, and what was acknowledged is there, as far as the history goes back. */
async function requireKept(proxies: readonly RunningProxy[], { acknowledged }: ListWriters): Promise<void> {
  const ends = await Promise.all(
    proxies.map(async ({ client }) => {
      const history = (await client.history()).map(({ revision, backends }) => {
        return {
          revision: Number(revision),
          backends: backends.map(({ address, weight }) => ({ address, weight })),
        };
      });
      return { present: listOf((await client.get()).state), history };
    }),
  );
  const [first, ...rest] = ends;
  assert.ok(first);
  for (const other of rest) assert.deepEqual(other, first);
  const revisions = acknowledged.map(({ state }) => state.revision);
  assert.equal(new Set(revisions).size, revisions.length);
  const kept = new Map(first.history.map((entry) => [entry.revision, entry]));
  const oldest = Math.min(...kept.keys());
  const recent = acknowledged.filter(({ state }) => state.revision >= oldest);
  assert.ok(recent.length > 0);
  for (const { state } of recent) assert.deepEqual(kept.get(state.revision), state);
}
