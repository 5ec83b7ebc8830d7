import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendState } from "@seamless/sdk";
import { readAll, startHttp } from "../support/backends.js";
import { startFarHost } from "../support/far-host.js";
import { hasProgram } from "../support/programs.js";
import { startProxy } from "../support/proxy.js";
import { until } from "../support/until.js";

const CLIENTS = 20;
const REQUEST = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

test("a backend whose packets are dropped costs no client its connection, and few a connect timeout", async (t) => {
  if (!hasProgram(t, "ip")) return;
  if (process.getuid?.() !== 0 && process.env["CI"] === undefined) {
    t.skip("needs root, for a network namespace");
    return;
  }
  const near = await startHttp(t, "near");
  const far = await startFarHost(t, "far");
  const checks = ["--health", "tcp", "--health-interval", "500ms", "--health-timeout", "300ms"];
  const proxy = await startProxy(t, { backends: [near.address, far.address], args: checks });
  const farBackend = async () => {
    const { state } = await proxy.client.get();
    return state.backends.find(({ address }) => address === far.address);
  };
  await until("both serve", async () => {
    const answers = await Promise.all([1, 2].map(() => readAll(proxy.port, REQUEST)));
    return ["near", "far"].every((name) => answers.some((answer) => answer.endsWith(name)));
  });

  await far.blackhole();
  const asking = new AbortController();
  let answered = 0;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!asking.signal.aborted) {
      assert.match(await readAll(proxy.port, REQUEST), /near$/);
      answered += 1;
    }
  });
  await until("it is out", async () => (await farBackend())?.state === BackendState.UNHEALTHY);
  asking.abort();
  await Promise.all(clients);
  const { state } = await proxy.client.get();
  assert.deepEqual([state.ledger?.connectFailed, state.ledger?.leftEarly], [0n, 0n]);
  // Those that were being connected to it went on elsewhere as soon as it was found unhealthy.
  const timedOut = (await farBackend())?.counters?.failedConnects ?? 0n;
  assert.ok(timedOut <= 2n, `${timedOut} connects to it failed`);
  t.diagnostic(`${answered} answers, ${timedOut} connects timed out`);
});
