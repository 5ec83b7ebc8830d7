import assert from "node:assert/strict";
import { test } from "node:test";
import { DeployOutcome, DeployPhase, DrainOutcome, HealthState } from "@seamless/sdk";
import { ctl, state } from "./testing/ctl.js";
import { drain, going, noEnds, status, verdict } from "./testing/deploys.js";

test("deploy asks for all that its options say", async () => {
  const line =
    "deploy a:1 b:1=2 --if-revision 3 --health http:/up --health-host app --health-status 200 --health-interval 1s " +
    "--health-timeout-per-check 500ms --health-rise 3 --health-fall 4 --health-timeout 1m --canary 5,50 --step 10s " +
    "--bake 2m --max-failures 20 --drain 30s --drain-idle 10s --drain-spread 0";
  const { calls, exitCode } = await ctl(line, going(verdict(DeployOutcome.SWITCHED)));
  assert.equal(exitCode, 0);
  assert.deepEqual(calls[1], [
    "deploy",
    [{ address: "a:1" }, { address: "b:1", weight: 2 }],
    {
      expectedRevision: 3n,
      drain: { limitMs: 30_000, idleLimitMs: 10_000, spreadMs: 0 },
      healthCheck: {
        type: "http",
        path: "/up",
        host: "app",
        expectedStatus: "200",
        intervalMs: 1_000,
        timeoutMs: 500,
        rise: 3,
        fall: 4,
      },
      healthTimeoutMs: 60_000,
      canaryPercents: [5, 50],
      canaryStepMs: 10_000,
      bakeMs: 120_000,
      maxConnectFailurePercent: 20,
    },
  ]);
  const bare = await ctl("deploy a:1", going(verdict(DeployOutcome.SWITCHED)));
  assert.deepEqual(bare.calls[1], ["deploy", [{ address: "a:1" }], {}]);
});

for (const [what, end, line, exitCode, says] of [
  [
    "switched",
    verdict(DeployOutcome.SWITCHED),
    "",
    0,
    /^switched: revision 7 in 8\.4s; 12 connections ended by themselves, 0 cut, 1 closed idle; safe to stop: old:1\n$/,
  ],
  ["cut too many", verdict(DeployOutcome.SWITCHED, { cut: 3n }), "", 7, /^switched: .* 3 cut/],
  ["cut few enough", verdict(DeployOutcome.SWITCHED, { cut: 3n }), " --max-cut 3", 0, /^switched/],
  ["never healthy", verdict(DeployOutcome.NEVER_HEALTHY), "", 6, /^never healthy, nothing changed: why\n$/],
  ["returned", verdict(DeployOutcome.RETURNED), "", 8, /^returned to the old backends, revision 7: why\n$/],
  ["superseded", verdict(DeployOutcome.SUPERSEDED), "", 5, /^given up: why/],
  ["cancelled", verdict(DeployOutcome.CANCELLED), "", 130, /^cancelled, .*: why\n$/],
  [
    "not known",
    verdict(DeployOutcome.UNKNOWN),
    "",
    3,
    /^not known how it ended: why; see with .*--linearizable/,
  ],
] as const) {
  test(`a deploy that ${what} ends with exit code ${exitCode}, and says so`, async () => {
    const outcome = await ctl(`deploy a:1${line}`, going(end));
    assert.equal(outcome.exitCode, exitCode);
    assert.match(outcome.stdout, says);
    assert.equal(outcome.calls.at(-1), "close");
    const watched = await ctl(`deploy --watch${line}`, going(end));
    assert.deepEqual([watched.exitCode, watched.stdout], [outcome.exitCode, outcome.stdout]);
  });
}

test("an old backend that was taken back meanwhile is not called safe to stop", async () => {
  const end = verdict(DeployOutcome.SWITCHED);
  const drains = [
    drain("old:1", DrainOutcome.EMPTY, 0),
    drain("old:2", DrainOutcome.TAKEN_BACK, 2),
    drain("old:3", DrainOutcome.CUT, 0),
  ];
  const { stdout } = await ctl("deploy a:1", (tell) => {
    tell?.(status(DeployPhase.DONE, { verdict: end, drains }));
    return end;
  });
  assert.ok(stdout.endsWith("; safe to stop: old:1, old:3; taken back, still serving: old:2\n"), stdout);
});

test("an outcome or a phase that this version does not know is told as such, and is no success", async () => {
  const later = status(99 as DeployPhase);
  const { exitCode, stdout, stderr } = await ctl("deploy a:1", going(verdict(99 as DeployOutcome), later));
  assert.equal(exitCode, 1);
  assert.match(stdout, /^ended, .* does not know how: why \(revision 7\)\n$/);
  assert.match(stderr, /^unknown, for 0s\n$/);
});

const health = { state: HealthState.UNHEALTHY, error: "ECONNREFUSED", checkedUnixMs: 1n };
const ways = [
  status(DeployPhase.CHECKING, { candidates: [{ address: "a:1", health }] }),
  status(DeployPhase.CHECKING, { candidates: [{ address: "a:1", health }] }),
  status(DeployPhase.CANARY, { percent: 25, phaseDeadlineUnixMs: BigInt(Date.now() + 60_000) }),
  status(DeployPhase.BAKING),
  status(DeployPhase.DRAINING, { drains: [drain("old:1", DrainOutcome.OPEN, 3)] }),
  status(DeployPhase.DRAINING, { drains: [drain("old:1", DrainOutcome.OPEN, 2)] }),
];

test("where lines stay, each thing that is waited for is one line on stderr", async () => {
  const { stderr } = await ctl("deploy a:1", going(verdict(DeployOutcome.SWITCHED), ...ways));
  const lines = stderr.split("\n");
  assert.equal(lines.length, 5, stderr);
  assert.match(lines[0] ?? "", /^checking: waiting for a:1 \(ECONNREFUSED\), for 0s$/);
  assert.match(lines[1] ?? "", /^canary: the new backends get 25% of new connections, 0s of \d+/);
  assert.match(lines[2] ?? "", /^baking: /);
  assert.match(lines[3] ?? "", /^draining: 3 connections left on old:1, for /);
});

test("on a terminal one line is written over, and gone at the end", async () => {
  const { stderr } = await ctl("deploy a:1", going(verdict(DeployOutcome.SWITCHED), ...ways), {
    isTerminal: true,
  });
  assert.ok(!stderr.includes("\n"));
  assert.ok(stderr.includes("2 connections left on old:1"));
  assert.ok(stderr.endsWith("\r\u001b[K"));
});

test("-o json is one object per event, the last with the verdict, and nothing on stderr", async () => {
  const { stdout, stderr } = await ctl("deploy a:1 -o json", going(verdict(DeployOutcome.RETURNED), ...ways));
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { phase: string; verdict?: { outcome: string; cut: number } });
  assert.deepEqual(
    events.map(({ phase }) => phase),
    ["checking", "checking", "canary", "baking", "draining", "draining", "done"],
  );
  assert.deepEqual([events.at(-1)?.verdict?.outcome, events.at(-1)?.verdict?.cut], ["returned", 0]);
  assert.equal(stderr, "");
});

for (const line of [
  "deploy",
  "deploy a:1 --watch",
  "deploy a:1 --canary x",
  "deploy a:1 --health udp",
  "deploy a:1 --drain soon",
])
  test(`${line} is a usage error`, async () => assert.equal((await ctl(line)).exitCode, 2));

test("remove --wait waits for what it removed, and fails if connections were cut", async () => {
  const cut = [drain("a:1", DrainOutcome.CUT, 0, { cutByDrain: 2n, byClient: 1n })];
  const answer = (tell?: (value: unknown) => void): unknown => {
    tell?.([drain("a:1", DrainOutcome.OPEN, 2)]);
    return tell ? cut : { state, changed: true };
  };
  const { calls, exitCode, stdout, stderr } = await ctl("remove a:1 --drain 5s --wait", answer);
  assert.deepEqual(calls.slice(1, 3), [
    ["remove", ["a:1"], { limitMs: 5_000 }],
    ["waitForDrain", ["a:1"], {}],
  ]);
  assert.equal(exitCode, 7);
  assert.ok(stdout.endsWith("a:1: cut after 8s (1 ended, 2 cut, 0 closed idle)\n"), stdout);
  assert.match(stderr, /^draining: 2 connections left on a:1/);
  assert.equal((await ctl("remove a:1 --wait --max-cut 2", answer)).exitCode, 0);
});

test("drain wait waits for all that drain, or for those named", async () => {
  const empty = (): unknown => [
    drain("b:1", DrainOutcome.EMPTY, 0),
    drain("c:1", DrainOutcome.TAKEN_BACK, 0),
  ];
  const { calls, exitCode, stdout } = await ctl("drain wait", empty);
  assert.deepEqual([calls[1], exitCode], [["waitForDrain", [], {}], 0]);
  assert.match(stdout, /^b:1: empty after 8s .*\nc:1: back in the list after 8s/);
  assert.deepEqual((await ctl("drain wait b:1,c:1", empty)).calls[1], ["waitForDrain", ["b:1", "c:1"], {}]);
  assert.equal((await ctl("drain wait", () => [])).stdout, "nothing drains\n");
});

test("drain list shows how far each is", async () => {
  const { stdout } = await ctl("drain list");
  assert.match(stdout, /^ADDRESS +OPEN +SINCE +OLDEST +LAST BYTE +BYTES +CUT IN +IDLE LIMIT\nb:1 +1 of 2 /);
  assert.match(stdout, /4\.0 KiB +- +-\n$/);
  const json = JSON.parse((await ctl("drain list -o json")).stdout) as { drains: { address: string }[] };
  assert.equal(json.drains[0]?.address, "b:1");
});

for (const [line, call] of [
  [
    "drain extend a:1 --limit 1m --idle 5s",
    ["changeDrain", ["a:1"], { limitMs: 60_000, idleLimitMs: 5_000 }, {}],
  ],
  ["drain extend a:1 --limit none", ["changeDrain", ["a:1"], {}, {}]],
  ["drain cut a:1 b:1 --spread 2s", ["changeDrain", ["a:1", "b:1"], { limitMs: 0, spreadMs: 2_000 }, {}]],
] as const)
  test(`${line} changes the drains`, async () => {
    const { calls, exitCode } = await ctl(line, () => state);
    assert.deepEqual([calls[1], exitCode], [call, 0]);
  });

for (const [line, call] of [
  ["undrain b:1 --if-revision 4", ["undrain", ["b:1"], { expectedRevision: 4n }]],
  ["weight a:1=5", ["setWeights", [{ address: "a:1", weight: 5 }], {}]],
  ["pause --hold 10s --max 5", ["pause", { holdLimitMs: 10_000, maxHeld: 5 }]],
  ["pause", ["pause", {}]],
  ["resume --pace 0", ["resume", { pacePerSecond: 0 }]],
  ["rollback", ["rollback", {}]],
  ["rollback 4 --drain 1s", ["rollback", { revision: 4n, drain: { limitMs: 1_000 } }]],
  ["health tcp --rise 3", ["setHealthCheck", { type: "tcp", rise: 3 }, {}]],
  ["health grpc:a.B", ["setHealthCheck", { type: "grpc", service: "a.B" }, {}]],
  ["health none", ["setHealthCheck", undefined, {}]],
] as const)
  test(`${line} asks for just that`, async () => {
    const { calls, exitCode, stdout } = await ctl(line);
    assert.deepEqual([calls[1], exitCode], [call, 0]);
    assert.notEqual(stdout, "");
  });

test("weight without a weight, and drain without a verb, are usage errors", async () => {
  for (const line of ["weight a:1", "drain", "drain extend a:1", "pause --max x", "rollback x", "health udp"])
    assert.equal((await ctl(line)).exitCode, 2, line);
});

test("history shows who did what, and what became of connections", async () => {
  const backends = [
    { address: "a:1", weight: 1 },
    { address: "b:1", weight: 2 },
  ];
  const ledger = {
    ends: { ...noEnds, byClient: 3n, cutByDrain: 1n },
    leftEarly: 0n,
    connectFailed: 0n,
    holdExpired: 0n,
    refusedByLimit: 0n,
  };
  const entry = {
    revision: 4n,
    atUnixMs: 0n,
    verb: "deploy",
    actor: "me@ci",
    from: "ipv4:1.2.3.4:5",
    backends,
    ledger,
  };
  const { stdout } = await ctl("history", () => [entry]);
  assert.equal(
    stdout.split("\n")[1]?.replaceAll(/ +/g, " ").trim(),
    "4 1970-01-01T00:00:00Z deploy me@ci ipv4:1.2.3.4:5 3 1 a:1 b:1=2",
  );
});

test("health shows the check and each backend's state", async () => {
  const kind = { $case: "http", value: { path: "/up", host: "", expectedStatus: "" } } as const;
  const checked = {
    ...state,
    healthCheck: { kind, intervalMs: 2_000, timeoutMs: 1_000, rise: 2, fall: 3 },
    backends: state.backends.map((backend) => ({ ...backend, health })),
  };
  const { stdout } = await ctl("health", () => ({ state: checked }));
  assert.match(stdout, /^health checks: http:\/up every 2000 ms, timeout 1000 ms, rise 2, fall 3\nADDRESS/);
  assert.match(stdout, /a:1 +unhealthy +\S.* +ECONNREFUSED/);
  assert.equal((await ctl("health")).stdout, "health checks: none\n");
});

test("status shows the ledger, and what is out of the ordinary", async () => {
  const unusual = {
    ...state,
    pause: { startedUnixMs: 1n, holdLimitMs: 2, maxHeld: 3 },
    heldConnections: 4,
    deploy: ways[3],
  };
  const { proxy } = await import("./testing/ctl.js");
  const { stdout } = await ctl("status", () => ({ state: unusual, proxy }));
  for (const part of [
    "1 by the client, 2 by the backend",
    "paused: 4 connections are held",
    "a deploy is under way: baking",
  ])
    assert.ok(stdout.includes(part), stdout);
});
