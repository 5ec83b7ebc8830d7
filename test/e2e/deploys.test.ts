import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendState, DeployOutcome } from "@seamless/sdk";
import { readAll } from "../support/backends.js";
import { startKillable } from "../support/killable.js";
import { LongClients } from "../support/long-client.js";
import { hasProgram } from "../support/programs.js";
import { startProxy } from "../support/proxy.js";
import { newConnections } from "../support/wrk.js";
import { until } from "../support/until.js";

/** The whole claim is 100 deploys; CI shows a part of it in the same way. */
const DEPLOYS = Number(process.env["SEAMLESS_E2E_DEPLOYS"] ?? 8);
const LONG_CONNECTIONS = 100;

test("deploys in a row under full load, the old server killed the moment each returns: nothing fails", async (t) => {
  if (!hasProgram(t, "wrk")) return;
  let old = await startKillable(t, "0");
  const proxy = await startProxy(t, { backends: [old.address], args: ["--health", "tcp"] });
  const long = new LongClients(proxy.port, LONG_CONNECTIONS);
  const stop = new AbortController();
  const loads: string[] = [];
  let requests = 0;
  const load = (async () => {
    while (!stop.signal.aborted) {
      const result = await newConnections(proxy.port, 2, 16);
      loads.push(result.failures);
      requests += result.requests;
    }
  })();
  let ended = 0n;
  for (let i = 1; i <= DEPLOYS; i++) {
    const next = await startKillable(t, String(i));
    const verdict = await proxy.client.deploy([next.address]);
    await old.kill();
    assert.deepEqual([verdict.outcome, verdict.cut], [DeployOutcome.SWITCHED, 0n], verdict.reason);
    ended += verdict.ended;
    old = next;
  }
  stop.abort();
  await load;
  await long.end();
  assert.deepEqual(long.failures, []);
  assert.deepEqual(loads.filter(Boolean), []);
  const { state, proxy: info } = await proxy.client.get();
  assert.deepEqual(
    [state.ledger?.connectFailed, state.ledger?.holdExpired, info.refusedConnections],
    [0n, 0n, 0n],
  );
  t.diagnostic(
    `${DEPLOYS} deploys, ${requests} short and ${long.ended} long connections, ${ended} ended while draining`,
  );
});

test("a killed backend that stays in the list costs no client its connection, and comes back by itself", async (t) => {
  if (!hasProgram(t, "wrk")) return;
  const [one, two] = [await startKillable(t, "one"), await startKillable(t, "two")];
  const checks = ["--health", "tcp", "--health-interval", "500ms"];
  const proxy = await startProxy(t, { backends: [one.address, two.address], args: checks });
  const stateOf = async (): Promise<BackendState | undefined> => {
    const { state } = await proxy.client.get();
    return state.backends.find(({ address }) => address === one.address)?.state;
  };
  await one.kill();
  // What was open at that moment is lost with the server; what is opened from now on is not.
  const load = newConnections(proxy.port, 4, 16);
  await until("it is out", async () => (await stateOf()) === BackendState.UNHEALTHY);
  assert.equal((await load).failures, "");
  await startKillable(t, "again", one.port);
  await until("it is back", async () => (await stateOf()) === BackendState.ACTIVE);
  const answers = await Promise.all([1, 2].map(() => readAll(proxy.port, "GET / HTTP/1.1\r\n\r\n")));
  assert.deepEqual(answers.map((answer) => answer.split("\r\n\r\n")[1]).sort(), ["again", "two"]);
});

test("stop-old-then-start-new on one port is a delay and no refused connection, by pause or by queue timeout", async (t) => {
  if (!hasProgram(t, "wrk")) return;
  for (const how of ["pause", "queue"] as const) {
    const old = await startKillable(t, "old");
    const args = how === "queue" ? ["--queue-timeout", "30s"] : [];
    const proxy = await startProxy(t, { backends: [old.address], args });
    assert.match(await readAll(proxy.port, "GET / HTTP/1.1\r\n\r\n"), /old$/);
    if (how === "pause") await proxy.client.pause();
    await old.kill();
    const load = newConnections(proxy.port, 3, 8);
    await until("all are held", async () => (await proxy.client.get()).state.heldConnections >= 8);
    await startKillable(t, "new", old.port);
    if (how === "pause") await proxy.client.resume();
    const { failures, requests } = await load;
    assert.equal(failures, "", how);
    assert.ok(requests > 8);
    const { state } = await proxy.client.get();
    assert.deepEqual([state.ledger?.connectFailed, state.ledger?.holdExpired], [0n, 0n], how);
  }
});
