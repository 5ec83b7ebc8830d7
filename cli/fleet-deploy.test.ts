import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DeployOutcome,
  DeployPhase,
  type DeployProxy,
  type DeployStatus,
  type DeployVerdict,
  DrainOutcome,
  HealthState,
} from "@seamless/sdk";
import { systemClock } from "./clock.js";
import { ctl } from "./testing/ctl.js";
import { drain, going, status, verdict } from "./testing/deploys.js";

const clock = { ...systemClock, nowMs: () => 13_000 };

const proxy = (name: string, revision: number, openConnections = 0, vanished = false): DeployProxy => {
  const at = { id: `id of ${name}`, name, revision: BigInt(revision), openConnections, vanished };
  return { ...at, first: false, restarted: false, lostConnections: 0 };
};

/** A status of a deploy whose last change is revision 7, ten seconds after it began. */
const at = (
  phase: DeployPhase,
  proxies: readonly DeployProxy[],
  extra: Partial<DeployStatus> = {},
): DeployStatus =>
  status(phase, { revision: 7n, phaseStartedUnixMs: 3_000n, proxies: [...proxies], ...extra });

/** What is said on stderr of a deploy that goes through these statuses, where lines stay. */
async function progressOf(...statuses: readonly DeployStatus[]): Promise<readonly string[]> {
  const answer = going(verdict(DeployOutcome.SWITCHED), ...statuses);
  const { stderr } = await ctl("deploy a:1 --fleet", answer, { clock });
  return stderr.split("\n").slice(0, -1);
}

/** What a deploy with this verdict says and exits with, if its last status was like this. */
async function endOf(
  line: string,
  end: DeployVerdict,
  seen: Pick<DeployStatus, "drains" | "proxies">,
): Promise<readonly [number, string]> {
  const last = at(DeployPhase.DONE, seen.proxies, { drains: seen.drains, verdict: end });
  const { exitCode, stdout } = await ctl(line, (tell) => {
    tell?.(last);
    return end;
  });
  const watched = await ctl(line.replace(/^deploy a:1 --fleet/, "deploy --watch"), (tell) => tell?.(last));
  assert.deepEqual([watched.exitCode, watched.stdout], [exitCode, stdout]);
  return [exitCode, stdout];
}

test("deploy --fleet asks for the fleet, with a quorum and some proxies first if they are given", async () => {
  const end = (tell?: (value: unknown) => void): DeployVerdict => {
    const switched = verdict(DeployOutcome.SWITCHED);
    tell?.(at(DeployPhase.DONE, [], { verdict: switched }));
    return switched;
  };
  const all = await ctl("deploy a:1 --fleet --quorum 2 --first 1 --step 10s", end);
  assert.deepEqual(all.calls[1], [
    "deploy",
    [{ address: "a:1" }],
    { canaryStepMs: 10_000, fleet: true, quorum: 2, firstProxies: 1 },
  ]);
  const canary = await ctl("deploy a:1 --fleet --canary 5", end);
  assert.deepEqual(canary.calls[1], ["deploy", [{ address: "a:1" }], { canaryPercents: [5], fleet: true }]);
});

const old = [drain("old:1", DrainOutcome.EMPTY, 0), drain("old:2", DrainOutcome.CUT, 0)];
const CONNECTIONS = "12 connections ended by themselves, 0 cut, 1 closed idle";

test("the verdict says on how many proxies it switched", async () => {
  const end = verdict(DeployOutcome.SWITCHED);
  const three = ["web1", "web2", "web3"].map((name) => proxy(name, 7));
  assert.deepEqual(await endOf("deploy a:1 --fleet", end, { drains: old, proxies: three }), [
    0,
    `switched: revision 7 on 3 proxies in 8.4s; ${CONNECTIONS}; safe to stop: old:1, old:2\n`,
  ]);
  const [, alone] = await endOf("deploy a:1 --fleet", end, { drains: old, proxies: three.slice(2) });
  assert.match(alone, /^switched: revision 7 on 1 proxy in 8\.4s; /);
});

for (const [what, vanished, line, exitCode, says] of [
  [
    "with connections open fails, as if they had been cut",
    [proxy("web3", 7, 4, true)],
    "",
    7,
    "web3 vanished with 4 connections open as it last said: safe to stop only if it is gone for good: old:1, old:2",
  ],
  [
    "with as many open as may be cut is well",
    [proxy("web3", 7, 4, true)],
    " --max-cut 4",
    0,
    "web3 vanished with 4 connections open as it last said: safe to stop only if it is gone for good: old:1, old:2",
  ],
  [
    "without open connections is well, but named",
    [proxy("web3", 8, 0, true)],
    "",
    0,
    "web3 vanished with 0 connections open as it last said: safe to stop only if it is gone for good: old:1, old:2",
  ],
  [
    "before it switched fails in any case: it may go on with the old backends",
    [proxy("web3", 6, 0, true)],
    " --max-cut 9",
    7,
    "web3 vanished before it switched, with 0 connections open as it last said: safe to stop only if it is gone for good: old:1, old:2",
  ],
  [
    "and another, too, are added up",
    [proxy("web2", 7, 1, true), proxy("web3", 7, 2, true)],
    " --max-cut 2",
    7,
    "web2 vanished with 1 connection open as it last said, web3 vanished with 2 connections open as it last said: safe to stop only if they are gone for good: old:1, old:2",
  ],
] as const)
  test(`a fleet's deploy in which a proxy vanishes ${what}`, async () => {
    const end = verdict(DeployOutcome.SWITCHED, { vanishedProxies: vanished.map(({ name }) => name) });
    const proxies = [proxy("web1", 7), ...vanished];
    assert.deepEqual(await endOf(`deploy a:1 --fleet${line}`, end, { drains: old, proxies }), [
      exitCode,
      `switched: revision 7 on 1 proxy in 8.4s; ${CONNECTIONS}; ${says}\n`,
    ]);
  });

test("what was cut elsewhere and what was open on a proxy that vanished count together", async () => {
  const end = verdict(DeployOutcome.SWITCHED, { cut: 2n, vanishedProxies: ["web3"] });
  const seen = { drains: old, proxies: [proxy("web1", 7), proxy("web3", 7, 3, true)] };
  assert.equal((await endOf("deploy a:1 --fleet --max-cut 4", end, seen))[0], 7);
  assert.equal((await endOf("deploy a:1 --fleet --max-cut 5", end, seen))[0], 0);
});

test("a proxy that was started anew is named, and what was open on it counts as cut", async () => {
  const web2 = { ...proxy("web2", 7), restarted: true, lostConnections: 4 };
  const seen = { drains: old, proxies: [proxy("web1", 7), web2] };
  const end = verdict(DeployOutcome.SWITCHED, { restartedProxies: ["web2"] });
  const says = `switched: revision 7 on 2 proxies in 8.4s; ${CONNECTIONS}; web2 was started anew, and 4 connections lost; safe to stop: old:1, old:2\n`;
  assert.deepEqual(await endOf("deploy a:1 --fleet", end, seen), [7, says]);
  assert.deepEqual(await endOf("deploy a:1 --fleet --max-cut 4", end, seen), [0, says]);
  const returned = verdict(DeployOutcome.RETURNED, { restartedProxies: ["web2"] });
  assert.deepEqual(await endOf("deploy a:1 --fleet", returned, seen), [
    8,
    "returned to the old backends, revision 7: why; started anew meanwhile: web2\n",
  ]);
});

test("a proxy that came back under its name is another one, and one that nothing is known of had not switched", async () => {
  const end = verdict(DeployOutcome.SWITCHED, { vanishedProxies: ["web1", "web4"] });
  const seen = { drains: [], proxies: [proxy("web1", 7, 9), proxy("web1", 7, 2, true)] };
  const [exitCode, text] = await endOf("deploy a:1 --fleet", end, seen);
  assert.equal(exitCode, 7);
  assert.ok(
    text.endsWith(
      "; web1 vanished with 2 connections open as it last said, web4 vanished before it switched, with 0 connections open as it last said: safe to stop only if they are gone for good\n",
    ),
    text,
  );
});

test("a deploy of the fleet that did not switch names who vanished, and exits as ever", async () => {
  const end = verdict(DeployOutcome.RETURNED, { vanishedProxies: ["web2", "web3"] });
  assert.deepEqual(await endOf("deploy a:1 --fleet", end, { drains: [], proxies: [proxy("web1", 7)] }), [
    8,
    "returned to the old backends, revision 7: why; vanished meanwhile: web2, web3\n",
  ]);
});

const candidate = (state: HealthState, error = ""): Pick<DeployStatus, "candidates"> => ({
  candidates: [{ address: "a:1", health: { state, error, checkedUnixMs: 1n } }],
});
const leaving = {
  drains: [drain("old:1", DrainOutcome.OPEN, 3), drain("old:2", DrainOutcome.TAKEN_BACK, 1)],
};
const [web1, web2, web3] = [proxy("web1", 7), proxy("web2", 7), proxy("web3", 7)];

for (const [given, text] of [
  [
    at(DeployPhase.CHECKING, [web1, web2], candidate(HealthState.UNHEALTHY, "ECONNREFUSED")),
    "checking on web1, web2: waiting for a:1 (ECONNREFUSED), for 10s",
  ],
  [
    at(DeployPhase.CHECKING, [web1, web2], candidate(HealthState.HEALTHY)),
    "checking on web1, web2: all are healthy here, waiting for the other proxies, for 10s",
  ],
  [
    at(DeployPhase.CHECKING, [web1, proxy("web2", 6, 0, true)], candidate(HealthState.HEALTHY)),
    "checking on web1: waiting for nothing more, all are healthy, for 10s; web2 vanished",
  ],
  [
    at(DeployPhase.CANARY, [{ ...web1, first: true }, web2, web3], {
      percent: 33,
      phaseDeadlineUnixMs: 33_000n,
    }),
    "canary: the new backends are tried on web1, 1 of 3 proxies, 10s of 30s",
  ],
  [
    at(DeployPhase.CANARY, [{ ...proxy("web1", 6), first: true }, web2], { percent: 50 }),
    "canary: the new backends are tried on web1, 1 of 2 proxies (not yet on web1), for 10s",
  ],
  [
    at(DeployPhase.CANARY, [web1, proxy("web2", 6)], { percent: 25 }),
    "canary: the new backends get 25% of new connections (not yet on web2), for 10s",
  ],
  [
    at(DeployPhase.CANARY, [web1, web2], { percent: 25 }),
    "canary: the new backends get 25% of new connections on 2 proxies, for 10s",
  ],
  [
    at(DeployPhase.BAKING, [web1, web2, web3]),
    "baking: switched on 3 proxies, the old backends are kept warm, for 10s",
  ],
  [
    at(DeployPhase.DRAINING, [web1, proxy("web2", 6), proxy("web3", 6)], leaving),
    "draining: waiting for web2, web3 to switch, for 10s",
  ],
  [
    at(DeployPhase.DRAINING, [proxy("web1", 7, 3), proxy("web2", 6, 2), web3], leaving),
    "draining: waiting for web2 to switch, 5 connections to old:1 left on web1 (3), web2 (2), for 10s",
  ],
  [
    at(DeployPhase.DRAINING, [web1, proxy("web2", 7, 1), proxy("web3", 7, 4, true)], leaving),
    "draining: 1 connection to old:1 left on web2 (1), for 10s; web3 vanished",
  ],
  [
    at(DeployPhase.DRAINING, [proxy("web1", 7, 2)]),
    "draining: 2 connections to the old backends left on web1 (2), for 10s",
  ],
  [at(DeployPhase.DRAINING, [web1, proxy("web3", 7, 4, true)], leaving), "drained; web3 vanished"],
  [
    at(
      DeployPhase.DRAINING,
      Array.from({ length: 7 }, (_, index) => proxy(`web${index}`, 7, 1)),
      leaving,
    ),
    "draining: 7 connections to old:1 left on web0 (1), web1 (1), web2 (1), web3 (1), web4 (1) and 2 more, for 10s",
  ],
] as const)
  test(`a fleet's deploy shows: ${text}`, async () => assert.deepEqual(await progressOf(given), [text]));

test("the time until the connections are cut is that of the drains", async () => {
  const [open] = leaving.drains;
  assert.ok(open?.progress);
  const drains = [{ ...open, progress: { ...open.progress, deadlineUnixMs: 33_000n } }];
  assert.deepEqual(await progressOf(at(DeployPhase.DRAINING, [proxy("web1", 7, 2)], { drains })), [
    "draining: 2 connections to old:1 left on web1 (2), for 10s, cut in 20s",
  ]);
});

test("where lines stay, a proxy that is waited for no more is worth one, and a connection that ends is not", async () => {
  const draining = (...proxies: readonly DeployProxy[]): DeployStatus =>
    at(DeployPhase.DRAINING, proxies, leaving);
  const lines = await progressOf(
    draining(proxy("web1", 7, 3), proxy("web2", 6, 2)),
    draining(proxy("web1", 7, 2), proxy("web2", 6, 2)),
    draining(proxy("web1", 7, 2), proxy("web2", 7, 2)),
    draining(proxy("web1", 7, 2), proxy("web2", 7, 1)),
    draining(proxy("web1", 7, 2), web2),
    draining(proxy("web1", 7, 2, true), web2),
  );
  assert.deepEqual(lines, [
    "draining: waiting for web2 to switch, 5 connections to old:1 left on web1 (3), web2 (2), for 10s",
    "draining: 4 connections to old:1 left on web1 (2), web2 (2), for 10s",
    "draining: 2 connections to old:1 left on web1 (2), for 10s",
    "drained; web1 vanished",
  ]);
});

test("-o json has the proxies of each status, and the names of those that vanished in the verdict", async () => {
  const end = verdict(DeployOutcome.SWITCHED, { vanishedProxies: ["web2"] });
  const last = at(DeployPhase.DONE, [web1, proxy("web2", 7, 4, true)], { verdict: end });
  const { exitCode, stdout } = await ctl("deploy a:1 --fleet -o json", (tell) => {
    tell?.(last);
    return end;
  });
  const json = JSON.parse(stdout) as { proxies: object[]; verdict: { vanishedProxies: string[] } };
  assert.equal(exitCode, 7);
  assert.deepEqual(json.proxies[1], {
    id: "id of web2",
    name: "web2",
    revision: 7,
    openConnections: 4,
    vanished: true,
    first: false,
    restarted: false,
    lostConnections: 0,
  });
  assert.deepEqual(json.verdict.vanishedProxies, ["web2"]);
});
