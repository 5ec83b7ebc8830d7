import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fleet } from "@seamless/sdk";
import { systemClock } from "./clock.js";
import { ctl, fails, fleet } from "./testing/ctl.js";

const whole = (): Fleet => fleet;
const clock = { ...systemClock, nowMs: () => 70_000 };
const TABLE = `3 proxies, store etcd
PROXY         ID             VERSION  SERVICE  REVISION  OPEN  DRAINING
web1          7587870c2d3a4  1.2.3    db              2     0  -
                                      default    6 of 7    12  a:1 (4 open), b:1 (1 open)
web2 (asked)  7587870c2d3a5  1.2.4    default         7     0  -
web3          9              1.2.4    -               -     -  -
`;

test("fleet status shows every proxy, the revision it has applied, and what drains there", async () => {
  const { exitCode, stdout, stderr, calls } = await ctl("fleet status", whole);
  assert.equal(stdout, TABLE);
  assert.deepEqual([exitCode, stderr, calls.slice(1)], [0, "", [["fleet", {}], "close"]]);
});

test("fleet status says since when the store is unreachable, and what an error says stays on its line", async () => {
  const store = { kind: "etcd", available: false, staleSinceUnixMs: 10_000n, error: "no\nanswer" };
  const { stdout } = await ctl("fleet status", () => ({ proxies: [], store }), { clock });
  assert.equal(
    stdout,
    "0 proxies, store etcd, unreachable since 1970-01-01T00:00:10Z (1m 0s); the last lists known are served, changes are refused: no answer\n",
  );
});

test("a fleet of one is one proxy; what it leaves out of the store is not told", async () => {
  const alone = { proxies: fleet.proxies.slice(2), store: undefined };
  const { stdout } = await ctl("fleet status", () => alone);
  assert.match(stdout, /^1 proxy\nPROXY .*\nweb3 +9 /);
});

test("a name that more than one live proxy has is warned of once", async () => {
  const [web1, web2, web3] = fleet.proxies;
  const twins = [web2, { ...web2, id: "8" }].map((proxy) => ({ ...proxy, sharesName: true }));
  const { stdout } = await ctl("fleet status", () => ({ ...fleet, proxies: [web1, ...twins, web3] }));
  const warning = "warning: more than one live proxy is called web2: give each its own --proxy-name\n";
  assert.ok(stdout.endsWith(`-\n${warning}`), stdout);
});

test("two proxies that claim the same id are shown as they are", async () => {
  const twice = { ...fleet, proxies: [fleet.proxies[2], fleet.proxies[2]] };
  const { stdout } = await ctl("fleet status", () => twice);
  assert.equal(stdout.match(/^web3 +9 /gm)?.length, 2);
});

test("fleet status -o json is for programs: words for states, the whole id", async () => {
  const { stdout } = await ctl("fleet status -o json", whole);
  const json = JSON.parse(stdout) as {
    proxies: { id: string; self: boolean; services: { revision: number; backends: object[] }[] }[];
    store: object;
  };
  assert.deepEqual(
    json.proxies.map(({ id, self }) => [id, self]),
    [
      ["7587870c2d3a4b01", false],
      ["7587870c2d3a5c02", true],
      ["9", false],
    ],
  );
  const [, service] = json.proxies[0]?.services ?? [];
  assert.equal(service?.revision, 6);
  assert.deepEqual(service.backends[0], { address: "a:1", state: "draining", openConnections: 4 });
  assert.deepEqual(json.store, { kind: "etcd", available: true, staleSinceUnixMs: 0, error: "" });
});

test("fleet status --watch shows each state with its time, tells of a reconnect, and ends with 130", async () => {
  const { exitCode, stdout, stderr, calls } = await ctl("fleet status --watch", whole, { clock });
  assert.equal(stdout, `1970-01-01T00:01:10.000Z ${TABLE}`.repeat(2));
  assert.equal(stderr, "seamlessctl: connection lost, connecting again (gone)\n");
  assert.deepEqual([exitCode, calls.slice(1)], [130, [["watchFleet"], "close"]]);
});

test("on a terminal fleet status --watch stays in one place; -o json is one line per state", async () => {
  const { stdout } = await ctl("fleet status --watch", whole, { clock, isTerminal: true });
  assert.equal(stdout, `\u001b[H\u001b[J${TABLE}`.repeat(2));
  const json = await ctl("fleet status --watch -o json", whole, { isTerminal: true });
  assert.equal(json.stdout, (await ctl("fleet status -o json", whole)).stdout.repeat(2));
});

test("without a shared store fleet status is refused, with what would make a fleet", async () => {
  for (const line of ["fleet status", "fleet status --watch"]) {
    const { exitCode, stdout, stderr } = await ctl(line, fails("NO_FLEET", {}, "fleet"));
    assert.deepEqual([exitCode, stdout], [1, ""]);
    assert.match(stderr, /^seamlessctl: what was wrong\nhint: `seamless --store etcd:/);
  }
});

test("fleet alone, and what it does not know, are usage errors", async () => {
  for (const line of ["fleet", "fleet stat", "fleet status web1", "fleet status --quorum 1"])
    assert.equal((await ctl(line)).exitCode, 2, line);
});
