import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { HealthState } from "@seamless/sdk";
import { endAfter, run } from "../support/process.js";
import { hasProgram } from "../support/programs.js";
import { startProxy, type RunningProxy } from "../support/proxy.js";
import {
  startHaproxy,
  startHaproxyBefore,
  startNginx,
  startPostgres,
  startRedis,
  type RealServer,
} from "../support/servers.js";
import { until } from "../support/until.js";
import { newConnections } from "../support/wrk.js";

/** A client program that stays connected and answers line by line. */
interface Session {
  ask(question: string): Promise<string>;
  end(): void;
}

function startSession(t: TestContext, program: string, args: readonly string[]): Session {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  endAfter(t, child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async ask(question) {
      child.stdin.write(`${question}\n`);
      const line = (await lines.next()) as IteratorResult<string, undefined>;
      return line.value ?? "";
    },
    end: () => child.stdin.end(),
  };
}

/** The old session stays on the old server until it ends, new ones reach the new server, and then the old one is drained. */
async function switchUnderSession(
  proxy: RunningProxy,
  servers: readonly [RealServer, RealServer],
  open: () => Session,
  ask: (session: Session) => Promise<string>,
): Promise<void> {
  const [oldServer, newServer] = servers;
  const before = open();
  assert.equal(await ask(before), String(oldServer.port));
  await proxy.client.set([newServer.address]);
  assert.equal(await ask(before), String(oldServer.port));
  const after = open();
  assert.equal(await ask(after), String(newServer.port));
  const { state } = await proxy.client.get();
  assert.deepEqual(
    state.backends.map(({ address, drain }) => [address, drain?.openConnections]),
    [
      [newServer.address, undefined],
      [oldServer.address, 1],
    ],
  );
  before.end();
  await until(
    "the old server is drained",
    async () => (await proxy.client.get()).state.backends.length === 1,
  );
  assert.equal((await proxy.logged("drained"))["backend"], oldServer.address);
  after.end();
}

for (const version of ["v1", "v2"] as const) {
  test(`nginx and HAProxy understand the PROXY header ${version}, and are checked with one`, async (t) => {
    if (!hasProgram(t, "nginx") || !hasProgram(t, "haproxy")) return;
    const nginx = await startNginx(t, "$proxy_protocol_addr", "proxy_protocol");
    const haproxy = await startHaproxy(t, "%[src]");
    const args = ["--send-proxy", version, "--health", "http:/"];
    const proxy = await startProxy(t, { backends: [nginx.address, haproxy.address], args });
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(`http://127.0.0.1:${proxy.port}/`, { headers: { connection: "close" } });
      assert.equal(await answer.text(), "127.0.0.1");
    }
    await until("both to be found healthy", async () => {
      const { backends } = (await proxy.client.get()).state;
      return backends.every(({ health, counters }) => {
        return health?.state === HealthState.HEALTHY && counters?.totalConnections === 2n;
      });
    });
  });
}

for (const option of ["send-proxy", "send-proxy-v2"]) {
  test(`the client that HAProxy names by ${option} is named to nginx`, async (t) => {
    if (!hasProgram(t, "nginx") || !hasProgram(t, "haproxy")) return;
    const nginx = await startNginx(t, "$proxy_protocol_addr", "proxy_protocol");
    const args = ["--accept-proxy-from", "127.0.0.1", "--send-proxy", "v2"];
    const proxy = await startProxy(t, { backends: [nginx.address], args });
    const haproxy = await startHaproxyBefore(t, proxy.port, option);
    const url = `http://${haproxy.address}/`;
    const { stdout } = await run("curl", ["-s", "--interface", "127.0.0.9", url]);
    assert.equal(stdout, "127.0.0.9");
    const { exitCode } = await run("curl", ["-s", `http://127.0.0.1:${proxy.port}/`]);
    assert.notEqual(exitCode, 0);
    assert.equal((await proxy.client.get()).state.ledger?.refusals?.proxyHeader, 1n);
  });
}

test("Redis is switched under a running redis-cli", async (t) => {
  if (!hasProgram(t, "redis-server") || !hasProgram(t, "redis-cli")) return;
  const servers = [await startRedis(t), await startRedis(t)] as const;
  const proxy = await startProxy(t, { backends: [servers[0].address] });
  await switchUnderSession(
    proxy,
    servers,
    () => startSession(t, "redis-cli", ["-p", String(proxy.port)]),
    async (session) => {
      assert.equal(await session.ask("config get port"), "port");
      return session.ask("");
    },
  );
});

test("PostgreSQL is switched under a running psql", async (t) => {
  if (!hasProgram(t, "psql") || !hasProgram(t, "initdb")) return;
  const servers = [await startPostgres(t), await startPostgres(t)] as const;
  const proxy = await startProxy(t, { backends: [servers[0].address] });
  await switchUnderSession(
    proxy,
    servers,
    () =>
      startSession(t, "psql", [
        "-h",
        "127.0.0.1",
        "-p",
        String(proxy.port),
        "-U",
        "postgres",
        "-AtX",
        "postgres",
      ]),
    (session) => session.ask("select inet_server_port();"),
  );
});

test("nginx is switched under wrk without a failed request, and curl sees the new one", async (t) => {
  if (!hasProgram(t, "nginx") || !hasProgram(t, "wrk")) return;
  const servers = [await startNginx(t, "old"), await startNginx(t, "new")] as const;
  const proxy = await startProxy(t, { backends: [servers[0].address] });
  const load = newConnections(proxy.port, 4);
  const curl = (url: string): Promise<string> => run("curl", ["-s", url]).then(({ stdout }) => stdout);
  assert.equal(await curl(`http://127.0.0.1:${proxy.port}/`), "old");
  assert.equal(
    await curl(`${proxy.http}/add?backend=${servers[1].address}`),
    `${servers[0].address},${servers[1].address}\n`,
  );
  assert.equal(await curl(`${proxy.http}/remove?backend=${servers[0].address}`), `${servers[1].address}\n`);
  assert.equal(await curl(`http://127.0.0.1:${proxy.port}/`), "new");
  assert.equal((await load).failures, "");
});
