import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import type { SeamlessClient } from "@seamless/sdk";
import { createCertificates, hasEtcd, startEtcd, type EtcdServer } from "seamless/testing/etcd";
import { readAll, startNamed, startWebOrEcho } from "../support/backends.js";
import { runCtl, startMember, storeUrl, untilFleetIs } from "../support/fleet.js";
import { run, type Outcome } from "../support/process.js";
import { daemon, startConfigured, type RunningProxy } from "../support/proxy.js";
import { listOf } from "../support/recorded-client.js";
import { ShortClients } from "../support/short-clients.js";
import { until } from "../support/until.js";
import { childrenOf, endProcessAfter, isAlive } from "../support/upgrades.js";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function addresses(client: SeamlessClient, service = "default"): Promise<readonly string[]> {
  return listOf((await client.get({ service })).state).backends.map(({ address }) => address);
}

async function untilListIs(proxies: readonly RunningProxy[], list: readonly string[]): Promise<void> {
  for (const { client } of proxies)
    await until(
      `the list to be ${list.join()}`,
      async () => (await addresses(client)).join() === list.join(),
    );
}

/** A proxy that is to end by itself; one that does not is ended, with another exit code. */
function startInVain(backend: string, store: string, args: readonly string[] = []): Promise<Outcome> {
  return run("timeout", ["30", process.execPath, daemon, "127.0.0.1:0", backend, "--store", store, ...args]);
}

/** An etcd that wants a certificate and a login, whose user may only do as the documentation says. */
async function startSecured(
  t: TestContext,
): Promise<{ etcd: EtcdServer; args: readonly string[]; wrong: readonly string[] }> {
  const { ca, server, client } = createCertificates(t);
  const etcd = await startEtcd(t, { tls: { ca, ...server, mutual: true } });
  etcd.ctl("user", "add", "root:root");
  etcd.ctl("user", "add", "proxies:secret");
  etcd.ctl("role", "add", "proxies");
  etcd.ctl("role", "grant-permission", "proxies", "--prefix=true", "readwrite", "/fleet/");
  etcd.ctl("user", "grant-role", "proxies", "proxies");
  etcd.ctl("user", "grant-role", "root", "root");
  etcd.ctl("auth", "enable");
  const path = folder(t);
  const tls = ["--store-tls-ca", ca, "--store-tls-cert", client.cert, "--store-tls-key", client.key];
  const withLogin = (name: string, text: string): readonly string[] => {
    writeFileSync(join(path, name), text, { mode: 0o600 });
    return [...tls, "--store-login", join(path, name)];
  };
  return { etcd, args: withLogin("login", "proxies:secret\n"), wrong: withLogin("wrong", "proxies:guess\n") };
}

/** They wait for most of their time. */
suite("proxies that share a store", { concurrency: 3 }, () => {
  test("a name that two live proxies have is warned of in the log and by fleet status, but not after kill -9", async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await startEtcd(t);
    const member = { store: storeUrl([etcd]), backends: ["127.0.0.1:1"], name: "web1" };
    const first = await startMember(t, member);
    first.child.kill("SIGKILL");
    const second = await startMember(t, member);
    await untilFleetIs([second], ["web1"]);
    assert.ok(!second.log.some(({ event }) => event === "name-shared"));
    const third = await startMember(t, member);
    await untilFleetIs([second, third], ["web1", "web1"]);
    for (const proxy of [second, third]) await proxy.logged("name-shared");
    const status = async (): Promise<string> => (await runCtl(third, "fleet", "status")).stdout;
    await until("the warning", async () => /^warning: .* is called web1: /m.test(await status()));
    assert.equal(await second.stop(), 0);
    await third.logged("name-free");
    assert.doesNotMatch(await status(), /warning/);
  });

  test("seamlessctl says when a service joins a list, refuses another one, and removes a list that nobody serves", async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await startEtcd(t);
    const member = { store: storeUrl([etcd]), backends: ["127.0.0.1:1"] };
    const [one, two] = await Promise.all([
      startMember(t, { ...member, name: "web1" }),
      startMember(t, { ...member, name: "web2" }),
    ]);
    const create = (proxy: RunningProxy, ...more: readonly string[]) =>
      runCtl(proxy, "service", "create", "api", ...more, "--listen", "127.0.0.1:0");
    const remove = (proxy: RunningProxy, ...more: readonly string[]) =>
      runCtl(proxy, "service", "delete", "api", ...more);
    assert.match((await create(one, "127.0.0.1:2")).stdout, /^created service api, listening on 127\S+\n$/);
    const other = await create(two, "127.0.0.1:3");
    assert.equal(other.exitCode, 1);
    assert.match(other.stderr, /: 127\.0\.0\.1:2, no checks, at revision 1, served by web1\nhint: /);
    const joined = /; it has joined the list that the fleet has of it, revision 1: 127\.0\.0\.1:2\n$/;
    assert.match((await create(two)).stdout, joined);
    const inUse = await remove(one, "--with-list");
    assert.equal(inUse.exitCode, 1);
    assert.match(inUse.stderr, / is served by web2, too/);
    assert.match(
      (await remove(one)).stdout,
      /^deleted service api on this proxy; web2 goes on with the list\n$/,
    );
    const servers = async (): Promise<readonly string[]> => {
      const { proxies } = await two.client.fleet();
      return proxies.flatMap(({ name, services }) =>
        services.some(({ service }) => service === "api") ? [name] : [],
      );
    };
    await until("web2 hears that web1 has dropped it", async () => (await servers()).join() === "web2");
    assert.match(
      (await remove(two)).stdout,
      /; its list is left in the store, .*`.* api --with-list` removes/,
    );
    assert.match(etcd.ctl("get", "--prefix", "--keys-only", "/"), /history\/api\//);
    const removed = await runCtl(one, "-o", "json", "service", "delete", "api", "--with-list");
    assert.deepEqual(JSON.parse(removed.stdout), { deleted: "api", list: { removed: true, servedBy: [] } });
    assert.doesNotMatch(etcd.ctl("get", "--prefix", "--keys-only", "/"), /api/);
    assert.match((await create(two, "127.0.0.1:3")).stdout, /^created service api, listening on 127\S+\n$/);
  });

  test("a proxy that starts while etcd is down goes by its copy, says so, refuses changes, and catches up by itself", async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await startEtcd(t);
    const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
    const member = { store: storeUrl([etcd]), backends: [a.address] };
    const copy = ["--state", join(folder(t), "state")];
    const [before, other] = await Promise.all([
      startMember(t, { ...member, name: "web1", args: copy }),
      startMember(t, { ...member, name: "web2" }),
    ]);
    assert.equal(await before.stop(), 0);
    // What the copy does not have.
    await other.client.set([b.address]);
    await etcd.kill();
    const none = startInVain(a.address, member.store);
    const proxy = await startMember(t, { ...member, name: "web1", args: copy });
    assert.equal(await readAll(proxy.port), "a");
    const { stdout } = await runCtl(proxy, "status");
    assert.match(
      stdout,
      /^store +etcd, unreachable since .*; the last lists known are served, changes are refused/m,
    );
    const refused = await runCtl(proxy, "add", b.address);
    assert.equal(refused.exitCode, 3);
    assert.match(refused.stderr, /^seamlessctl: the store can't be reached.*\nhint: nothing was changed/);
    const { exitCode, stderr } = await none;
    assert.equal(exitCode, 1);
    assert.match(stderr, /^seamless: the store etcd:\S+ can't be reached \(.+\), and there is no copy .*\n$/);
    await etcd.start();
    await untilListIs([proxy, other], [b.address]);
    assert.equal(await readAll(proxy.port), "b");
    await untilFleetIs([proxy, other], ["web1", "web2"]);
    assert.match((await runCtl(proxy, "status")).stdout, /^store +etcd$/m);
  });

  test("no key that is deleted, no lease that is lost and no disk that is wiped empties the list", async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await startEtcd(t);
    const names = ["a", "b"];
    const backends = await Promise.all(names.map((name) => startWebOrEcho(t, name)));
    const list = backends.map(({ address }) => address);
    const member = { store: storeUrl([etcd]), backends: list.slice(0, 1) };
    const proxies = await Promise.all([
      startMember(t, { ...member, name: "web1" }),
      startMember(t, { ...member, name: "web2" }),
    ]);
    await proxies[0].client.set(list);
    await untilListIs(proxies, list);
    const visitors = new ShortClients(
      t,
      proxies.map(({ port }) => port),
      names,
    );
    const key = "/fleet/live/services/default";
    const isKept = (): boolean => list.every((address) => etcd.ctl("get", key).includes(address));
    const requireKept = async (what: string): Promise<void> => {
      await until(`the list to be in etcd again, ${what}`, isKept);
      await untilFleetIs(proxies, ["web1", "web2"]);
      for (const { client } of proxies) {
        const { state } = await client.get({ linearizable: true });
        assert.deepEqual([state.revision, await addresses(client)], [2n, list], what);
      }
    };
    etcd.ctl("del", key);
    await requireKept("which was deleted");
    for (const lease of etcd.ctl("lease", "list").match(/^[0-9a-f]{8,}$/gm) ?? assert.fail("no leases"))
      etcd.ctl("lease", "revoke", lease);
    await requireKept("after all leases were lost");
    await etcd.kill();
    etcd.wipe();
    await etcd.start();
    await requireKept("whose disk was wiped");
    etcd.ctl("del", "--prefix", "");
    await requireKept("after everything was deleted");
    await visitors.end();
    assert.deepEqual(visitors.failures, []);
    assert.ok(visitors.answered > 100, `only ${visitors.answered} connections`);
    // The numbers go on from there.
    assert.equal((await proxies[1].client.remove(list.slice(1))).state.revision, 3n);
    await untilListIs(proxies, list.slice(0, 1));
  });

  test("an upgrade of a proxy: its id stays, it is in the fleet once, and no change is lost", async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await startEtcd(t);
    const web = await startWebOrEcho(t, "a");
    const member = { store: storeUrl([etcd]), backends: [web.address] };
    const [proxy, other] = await Promise.all([
      startMember(t, { ...member, name: "web1" }),
      startMember(t, { ...member, name: "web2" }),
    ]);
    await untilFleetIs([proxy, other], ["web1", "web2"]);
    const fleetOf = async (): Promise<string> => {
      const { proxies } = await other.client.fleet();
      return proxies.map(({ id, name }) => `${name} ${id}`).join();
    };
    const before = await fleetOf();
    const seen = new Set([before]);
    const visitors = new ShortClients(t, [proxy.port], ["a"]);
    const old = proxy.child.pid ?? 0;
    proxy.child.kill("SIGUSR2");
    await until("the new process", () => childrenOf(old).length === 1);
    const [successor = 0] = childrenOf(old);
    endProcessAfter(t, successor);
    let revision = 1n;
    for (; isAlive(old); revision++) {
      const weight = Number(revision % 256n) + 1;
      const { state } = await other.client.setWeights([{ address: web.address, weight }]);
      assert.equal(state.revision, revision + 1n);
      seen.add(await fleetOf());
    }
    const isThere = async (): Promise<boolean> => (await proxy.client.get()).state.revision === revision;
    await until("the new process to have it", isThere);
    const ends = [proxy, other].map(async ({ client }) => {
      const history = (await client.history()).map((entry) => entry.revision);
      return { list: listOf((await client.get()).state), history };
    });
    assert.deepEqual(await ends[0], await ends[1]);
    seen.add(await fleetOf());
    assert.deepEqual([...seen], [before]);
    const { stdout } = await runCtl(other, "fleet", "status");
    assert.deepEqual(stdout.match(/^web\d/gm), ["web1", "web2"]);
    await visitors.end();
    assert.deepEqual(visitors.failures, []);
  });

  test("the store may want TLS with a client's certificate, and a login", async (t) => {
    if (!hasEtcd(t)) return;
    const { etcd, args, wrong } = await startSecured(t);
    const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
    const store = storeUrl([etcd]);
    const refused = startInVain(a.address, store, wrong);
    const proxies = await Promise.all([
      startMember(t, { name: "web1", store, backends: [a.address], args }),
      startMember(t, { name: "web2", store, backends: [a.address], args }),
    ]);
    await untilFleetIs(proxies, ["web1", "web2"]);
    await proxies[0].client.set([b.address]);
    await untilListIs(proxies, [b.address]);
    const { exitCode, stderr } = await refused;
    assert.equal(exitCode, 1);
    assert.match(stderr, /^seamless: .*authentication failed.*\n$/m);
    assert.doesNotMatch(stderr, /guess/);
  });

  test("proxies share all services of their configuration files", async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await startEtcd(t);
    const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
    const path = folder(t);
    const start = (name: string): Promise<RunningProxy> => {
      const file = join(path, `${name}.yaml`);
      const process = `log_format: json\nhttp_port: 0\ngrpc_port: 0\nstore: ${storeUrl([etcd])}\nproxy_name: ${name}\n`;
      const [one, two] = [a, b].map(({ address }) => `{listen: "127.0.0.1:0", backends: "${address}"}`);
      writeFileSync(file, `${process}services:\n  one: ${one}\n  two: ${two}\n`);
      return startConfigured(t, file);
    };
    const proxies = [await start("web1"), await start("web2")] as const;
    await proxies[0].client.set([b.address], { service: "one" });
    await proxies[1].client.add([a.address], { service: "two" });
    for (const { client } of proxies) {
      await until("one", async () => (await addresses(client, "one")).join() === b.address);
      await until("two", async () => (await addresses(client, "two")).join() === `${b.address},${a.address}`);
    }
    await untilFleetIs(proxies, ["web1", "web2"]);
    await until("web2 to have told", async () => {
      const { proxies: told } = await proxies[0].client.fleet();
      return told.every(
        ({ services }) => services.length === 2 && services.every(({ revision }) => revision === 2n),
      );
    });
    const { stdout } = await runCtl(proxies[0], "fleet", "status");
    const lines = stdout.split("\n").map((line) => line.replace(/ +/g, " "));
    assert.match(lines[2] ?? "", /^web1 \(asked\) \S+ \S+ one 2 0 -/);
    assert.match(lines[3] ?? "", /^ two 2 0 -/);
    assert.match(lines[4] ?? "", /^web2 \S+ \S+ one 2 0 -/);
    await proxies[0].client.deploy([a.address], { service: "two", fleet: true });
    assert.deepEqual(await addresses(proxies[1].client, "two"), [a.address]);
    const stopped = proxies.map((proxy) => once(proxy.child, "exit"));
    for (const { child } of proxies) child.kill("SIGTERM");
    await Promise.all(stopped);
  });
});
