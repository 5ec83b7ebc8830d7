import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { suite, test, type TestContext } from "node:test";
import { hasEtcd, startEtcd } from "seamless/testing/etcd";
import { readAll, startWebOrEcho, type Backend } from "../support/backends.js";
import { CheckedStream } from "../support/checked-stream.js";
import { runCtl, startMember, storeUrl, untilFleetIs } from "../support/fleet.js";
import { collect, endAfter, type Outcome } from "../support/process.js";
import { ctl, type RunningProxy } from "../support/proxy.js";
import { ShortClients } from "../support/short-clients.js";
import { until } from "../support/until.js";

/** For a deploy that does not end. */
const LIMIT = { timeout: 60_000 };
const REQUEST = "GET / HTTP/1.1\r\n\r\n";
const LEASE_MS = 2_000;
/** etcd looks for leases that have run out twice a second, and takes a while to say so. */
const LEASE_MARGIN_MS = 2_000;

/** What is said once all are switched; visitors may be open there, too. */
const LEFT = /\d+ connections .* left on web1 \(\d+\), web2 \(\d+\), web3 \(\d+\)/;

interface FleetOfThree {
  readonly proxies: readonly [RunningProxy, RunningProxy, RunningProxy];
  /** The backend that they begin with, and others to deploy. */
  readonly backends: readonly [Backend, Backend, Backend];
  readonly start: (name: string) => Promise<RunningProxy>;
}

async function startFleet(t: TestContext): Promise<FleetOfThree> {
  const etcd = await startEtcd(t);
  const backends = await Promise.all([
    startWebOrEcho(t, "a"),
    startWebOrEcho(t, "b"),
    startWebOrEcho(t, "c"),
  ]);
  const member = { store: storeUrl([etcd]), backends: [backends[0].address] };
  const start = (name: string): Promise<RunningProxy> => startMember(t, { ...member, name });
  const proxies = await Promise.all([start("web1"), start("web2"), start("web3")]);
  await untilFleetIs(proxies, ["web1", "web2", "web3"]);
  return { proxies, backends, start };
}

/** The real program, of which a test sees what it says before it ends. */
function startDeploy(
  t: TestContext,
  { grpc }: RunningProxy,
  ...args: readonly string[]
): { readonly ended: Promise<Outcome>; readonly said: { stdout: string; stderr: string } } {
  const child: ChildProcess = spawn(
    process.execPath,
    [ctl, "--address", grpc, "deploy", ...args, "--fleet"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  endAfter(t, child, "SIGKILL");
  const said = collect(child);
  const ended = once(child, "close").then(([exitCode]) => ({ exitCode: exitCode as number | null, ...said }));
  return { said, ended };
}

/** Streams through the proxies: so many through the first, so many through the second... */
async function openStreams(
  t: TestContext,
  proxies: readonly RunningProxy[],
  counts: readonly number[],
): Promise<readonly (readonly CheckedStream[])[]> {
  const streams = proxies.map(({ port }, index) =>
    Array.from({ length: counts[index] ?? 0 }, () => new CheckedStream(port)),
  );
  t.after(() => streams.flat().forEach((stream) => stream.destroy()));
  for (const [index, { client }] of proxies.entries())
    await until("the streams to be open", async () => (await open(client)) === counts[index]);
  return streams;
}

const open = async (client: RunningProxy["client"]): Promise<number> =>
  (await client.get()).state.openConnections;

async function endAll(streams: readonly CheckedStream[]): Promise<void> {
  for (const { sent, received } of await Promise.all(streams.map((stream) => stream.end())))
    assert.equal(received, sent);
}

async function kill({ child }: RunningProxy): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

/** They wait for most of their time. */
suite("deploys of a fleet", { concurrency: 3 }, () => {
  test(
    "a deploy of the fleet under load: no client notices, the verdict is of all proxies, and one that is killed is named",
    LIMIT,
    async (t) => {
      if (!hasEtcd(t)) return;
      const { proxies, backends } = await startFleet(t);
      const [web1, web2, web3] = proxies;
      const [a, b, c] = backends;
      const streams = await openStreams(t, proxies, [1, 2, 3]);
      const visitors = new ShortClients(
        t,
        proxies.map(({ port }) => port),
        ["a", "b"],
      );
      const first = startDeploy(t, web2, b.address);
      await until("all to be switched", () => LEFT.test(first.said.stderr));
      const accepted = a.accepted;
      for (const { port } of proxies) assert.match(await readAll(port, REQUEST), /\r\n\r\nb$/);
      await visitors.end();
      assert.deepEqual(visitors.failures, []);
      assert.ok(visitors.answered > 50, `only ${visitors.answered} connections`);
      assert.equal(a.accepted, accepted);
      await endAll(streams.flat());
      const { exitCode, stdout } = await first.ended;
      assert.equal(exitCode, 0);
      const [, ended] =
        /^switched: revision 2 on 3 proxies in .*; (\d+) connections ended by themselves, 0 cut/.exec(
          stdout,
        ) ?? [];
      assert.ok(Number(ended) >= 6, stdout);
      assert.ok(stdout.endsWith(`safe to stop: ${a.address}\n`), stdout);

      const again = await openStreams(t, proxies, [1, 2, 3]);
      const second = startDeploy(t, web1, c.address);
      await until("all to be switched", () => LEFT.test(second.said.stderr));
      await kill(web3);
      const killedAt = performance.now();
      await Promise.all([again[0], again[1]].map((each) => endAll(each ?? [])));
      const verdict = await second.ended;
      const waitedMs = performance.now() - killedAt;
      assert.ok(waitedMs < LEASE_MS + LEASE_MARGIN_MS, `waited for ${Math.round(waitedMs)} ms`);
      assert.equal(verdict.exitCode, 7);
      assert.match(
        verdict.stdout,
        /^switched: revision 3 on 2 proxies in .*; 3 connections ended by themselves, 0 cut/,
      );
      assert.match(
        verdict.stdout,
        /web3 vanished with 3 connections open as it last said: safe to stop only if it is gone/,
      );
      t.diagnostic(
        `${visitors.answered} connections; the killed proxy was waited for ${Math.round(waitedMs)} ms`,
      );
    },
  );

  test(
    "a proxy that is killed while it drains, and started again, is named with what it has lost",
    LIMIT,
    async (t) => {
      if (!hasEtcd(t)) return;
      const { proxies, backends, start } = await startFleet(t);
      const [web1, , web3] = proxies;
      const [a, b] = backends;
      const streams = await openStreams(t, proxies, [1, 1, 2]);
      const deploy = startDeploy(t, web1, b.address);
      await until("all to be switched", () => LEFT.test(deploy.said.stderr));
      await kill(web3);
      const again = await start("web3");
      assert.match(await readAll(again.port, REQUEST), /\r\n\r\nb$/);
      await Promise.all([streams[0], streams[1]].map((each) => endAll(each ?? [])));
      const { exitCode, stdout } = await deploy.ended;
      assert.equal(exitCode, 7);
      assert.match(
        stdout,
        /^switched: revision 2 on 3 proxies in .*; web3 was started anew, and 2 connections lost; /,
      );
      assert.ok(stdout.endsWith(`; safe to stop: ${a.address}\n`), stdout);
    },
  );

  test("with --first 1 one proxy is switched first, and the rest after its trial", LIMIT, async (t) => {
    if (!hasEtcd(t)) return;
    const { proxies, backends } = await startFleet(t);
    const answers = async (): Promise<string> =>
      (await Promise.all(proxies.map(({ port }) => readAll(port, REQUEST))))
        .map((text) => text.at(-1))
        .join("");
    const deploy = startDeploy(t, proxies[1], backends[1].address, "--first", "1", "--step", "1500ms");
    await until("the first to be switched", async () => (await answers()) === "baa");
    await until("it to be said", () =>
      /canary: the new backends are tried on web1, 1 of 3 proxies/.test(deploy.said.stderr),
    );
    assert.equal(await answers(), "baa");
    const { exitCode, stdout } = await deploy.ended;
    assert.equal(exitCode, 0);
    assert.match(stdout, /^switched: revision 3 on 3 proxies/);
    assert.equal(await answers(), "bbb");
  });

  test(
    "if the proxy that carries out a deploy is killed in the trial, another one returns the list",
    LIMIT,
    async (t) => {
      if (!hasEtcd(t)) return;
      const { proxies, backends } = await startFleet(t);
      const [web1, web2, web3] = proxies;
      const deploy = startDeploy(t, web2, backends[1].address, "--first", "1", "--step", "60s");
      await until("the first to be switched", async () => /b$/.test(await readAll(web1.port, REQUEST)));
      await kill(web2);
      const killedAt = performance.now();
      for (const { client } of [web1, web3])
        await until("the list to be returned", async () => (await client.get()).state.revision === 3n);
      const returnedMs = Math.round(performance.now() - killedAt);
      assert.match(await readAll(web1.port, REQUEST), /a$/);
      const [last] = await web1.client.history();
      assert.deepEqual([last?.verb, last?.actor], ["return", "fleet"]);
      const { exitCode, stderr } = await deploy.ended;
      assert.equal(exitCode, 3, stderr);
      // The way is free again.
      const next = await runCtl(web3, "deploy", backends[1].address, "--fleet");
      assert.match(next.stdout, /^switched: revision 4 on 2 proxies/);
      t.diagnostic(`returned ${returnedMs} ms after the kill`);
    },
  );
});
