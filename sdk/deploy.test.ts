import assert from "node:assert/strict";
import { test } from "node:test";
import { status as grpcStatus } from "@grpc/grpc-js";
import {
  BackendState,
  DeployOutcome,
  DeployPhase,
  type DeployRequest,
  DeployStatus,
  DrainOutcome,
  DrainStatus,
} from "@seamless/proto";
import { connect, type SeamlessError } from "./index.js";
import { failsWith, richError } from "./testing/errors.js";
import { deadAddress, startFake } from "./testing/fake-proxy.js";

const at = (phase: DeployPhase, id = "one"): DeployStatus => DeployStatus.create({ id, phase });
const done = (outcome: DeployOutcome, id = "one"): DeployStatus =>
  DeployStatus.create({ id, phase: DeployPhase.DONE, verdict: { outcome, cut: 3n } });

test("a deploy resolves with its verdict, after each status was told", async (t) => {
  let request: DeployRequest | undefined;
  let actor: unknown;
  const { client } = await startFake(
    t,
    {
      deploy(call) {
        request = call.request;
        [actor] = call.metadata.get("seamless-actor");
        call.write({ status: at(DeployPhase.CHECKING) });
        call.write({ status: done(DeployOutcome.RETURNED) });
        call.end();
      },
    },
    { actor: "Zoë" },
  );
  const phases: DeployPhase[] = [];
  const verdict = await client.deploy(["a:1", { address: "b:1", weight: 2 }], {
    service: "web",
    expectedRevision: 4,
    healthTimeoutMs: 5,
    healthCheck: { type: "http", path: "/up", rise: 6 },
    drain: { limitMs: 0, idleLimitMs: 7_000 },
    canaryPercents: [8, 9],
    canaryStepMs: 10,
    bakeMs: 11,
    maxConnectFailurePercent: 12,
    fleet: true,
    quorum: 13,
    onProgress: ({ phase }) => phases.push(phase),
  });
  assert.deepEqual([verdict.outcome, verdict.cut], [DeployOutcome.RETURNED, 3n]);
  assert.deepEqual(phases, [DeployPhase.CHECKING, DeployPhase.DONE]);
  assert.equal(decodeURIComponent(String(actor)), "Zoë");
  assert.deepEqual(request, {
    service: "web",
    backends: [
      { address: "a:1", weight: undefined },
      { address: "b:1", weight: 2 },
    ],
    expectedRevision: 4n,
    healthTimeoutMs: 5,
    healthCheck: {
      kind: { $case: "http", value: { path: "/up", host: "", expectedStatus: "" } },
      intervalMs: undefined,
      timeoutMs: undefined,
      rise: 6,
      fall: undefined,
    },
    drain: { limitMs: 0, idleLimitMs: 7_000, spreadMs: 0 },
    canaryPercents: [8, 9],
    canaryStepMs: 10,
    bakeMs: 11,
    maxConnectFailurePercent: 12,
    fleet: true,
    quorum: 13,
    firstProxies: 0,
  });
});

test("a deploy is of one proxy unless the fleet is asked for, and may begin with some of its proxies", async (t) => {
  const asked: unknown[] = [];
  const { client } = await startFake(t, {
    deploy(call) {
      const { fleet, quorum, firstProxies } = call.request;
      asked.push([fleet, quorum, firstProxies]);
      call.write({ status: done(DeployOutcome.SWITCHED) });
    },
  });
  await client.deploy(["a:1"]);
  await client.deploy(["a:1"], { fleet: true, firstProxies: 2 });
  assert.deepEqual(asked, [
    [false, 0, 0],
    [true, 0, 2],
  ]);
});

for (const details of [{}, { outcome: "unknown" }])
  test(`a deploy that the store did not take says so, and that its outcome is ${details.outcome ?? "certain"}`, async (t) => {
    const error = richError("STORE_UNAVAILABLE", { ...details }, grpcStatus.UNAVAILABLE);
    const fake = await startFake(t, {
      deploy(call) {
        fake.requests.push("deploy");
        call.emit("error", error);
      },
    });
    const failure = { code: "STORE_UNAVAILABLE", status: "UNAVAILABLE", method: "deploy", details };
    await assert.rejects(fake.client.deploy(["a:1"]), failsWith(failure));
    assert.deepEqual(fake.requests, ["deploy"]);
  });

test("a deploy that loses the store on its way is not followed: the proxy has said how it ended", async (t) => {
  const { client } = await startFake(t, {
    deploy(call) {
      call.write({ status: at(DeployPhase.CHECKING) });
      call.emit("error", richError("STORE_UNAVAILABLE", {}, grpcStatus.UNAVAILABLE));
    },
  });
  await assert.rejects(client.deploy(["a:1"]), failsWith({ code: "STORE_UNAVAILABLE", details: {} }));
});

test("a deploy whose stream breaks is followed to its verdict, over as many connections as it takes", async (t) => {
  let watches = 0;
  const fake = await startFake(t, {
    deploy: (call) => void call.write({ status: at(DeployPhase.CHECKING) }),
    watchDeploy(call) {
      watches += 1;
      call.write({ status: watches === 2 ? done(DeployOutcome.SWITCHED) : at(DeployPhase.DRAINING) });
      if (watches === 2) call.end();
    },
  });
  const { outcome } = await fake.client.deploy(["a:1"], {
    onProgress: ({ verdict }) => {
      if (!verdict) setImmediate(fake.cut);
    },
  });
  assert.deepEqual([outcome, watches], [DeployOutcome.SWITCHED, 2]);
});

test("if another deploy, or none, is found after a break, the outcome is unknown", async (t) => {
  const unknown = failsWith({ code: "UNAVAILABLE", details: { outcome: "unknown" } });
  const other = await startFake(t, {
    deploy: (call) => void call.write({ status: at(DeployPhase.CHECKING) }),
    watchDeploy: (call) => void call.write({ status: done(DeployOutcome.SWITCHED, "two") }),
  });
  await assert.rejects(other.client.deploy(["a:1"], { onProgress: () => setImmediate(other.cut) }), unknown);
  const none = await startFake(t, {
    deploy: (call) => void call.write({ status: at(DeployPhase.CHECKING) }),
    watchDeploy: (call) => void call.emit("error", richError("DEPLOY_NOT_FOUND", {}, grpcStatus.NOT_FOUND)),
  });
  await assert.rejects(none.client.deploy(["a:1"], { onProgress: () => setImmediate(none.cut) }), unknown);
});

test("a refused deploy rejects with the proxy's reason", async (t) => {
  const { client } = await startFake(t, {
    deploy: (call) => void call.emit("error", richError("DEPLOY_IN_PROGRESS", {}, grpcStatus.ABORTED)),
  });
  await assert.rejects(client.deploy(["a:1"]), failsWith({ code: "DEPLOY_IN_PROGRESS", method: "deploy" }));
});

test("a proxy that is not there is just unavailable: nothing was sent", async (t) => {
  const client = connect({ address: await deadAddress(), retry: { attempts: 2, initialDelayMs: 1 } });
  t.after(() => client.close());
  await assert.rejects(client.deploy(["a:1"]), (error: SeamlessError) => {
    assert.deepEqual([error.code, error.details["outcome"]], ["UNAVAILABLE", undefined]);
    return true;
  });
});

test("aborting cancels the stream and rejects", async (t) => {
  let cancelled = (): void => undefined;
  const left = new Promise<void>((resolve) => (cancelled = resolve));
  const { client } = await startFake(t, {
    deploy(call) {
      call.on("cancelled", cancelled);
      call.write({ status: at(DeployPhase.CHECKING) });
    },
  });
  const abort = new AbortController();
  const options = { signal: abort.signal, onProgress: () => abort.abort() };
  await assert.rejects(client.deploy(["a:1"], options), failsWith({ code: "CANCELLED" }));
  await left;
});

test("a deploy has a deadline only if it is given one", async (t) => {
  const { client } = await startFake(
    t,
    { deploy: (call) => setTimeout(() => call.write({ status: done(DeployOutcome.SWITCHED) }), 60) },
    { timeoutMs: 20 },
  );
  assert.equal((await client.deploy(["a:1"])).outcome, DeployOutcome.SWITCHED);
  await assert.rejects(client.deploy(["a:1"], { timeoutMs: 10 }), failsWith({ code: "DEADLINE_EXCEEDED" }));
});

test("watchDeploy ends after the verdict", async (t) => {
  const { client } = await startFake(t, {
    watchDeploy(call) {
      call.write({ status: at(DeployPhase.BAKING) });
      call.write({ status: done(DeployOutcome.SWITCHED) });
    },
  });
  const phases = [];
  for await (const { phase } of client.watchDeploy()) phases.push(phase);
  assert.deepEqual(phases, [DeployPhase.BAKING, DeployPhase.DONE]);
});

test("waitForDrain waits for the same drains over a break, and answers how they ended", async (t) => {
  const asked: string[][] = [];
  const drain = (address: string, outcome: DrainOutcome): DrainStatus =>
    DrainStatus.create({ address, outcome });
  const fake = await startFake(t, {
    watchDrain(call) {
      asked.push(call.request.addresses);
      const outcome = asked.length === 1 ? DrainOutcome.OPEN : DrainOutcome.CUT;
      call.write({ drains: [drain("a:1", DrainOutcome.EMPTY), drain("b:1", outcome)] });
    },
  });
  const drains = await fake.client.waitForDrain([], {
    onProgress: (now) => {
      if (now.some(({ outcome }) => outcome === DrainOutcome.OPEN)) setImmediate(fake.cut);
    },
  });
  assert.deepEqual(asked, [[], ["a:1", "b:1"]]);
  assert.deepEqual(
    drains.map(({ outcome }) => outcome),
    [DrainOutcome.EMPTY, DrainOutcome.CUT],
  );
});

test("the other calls send what they are given, and who asks", async (t) => {
  const asked: unknown[] = [];
  const answers = { other: (...call: unknown[]) => void asked.push(call) };
  const { client } = await startFake(t, answers, { actor: "me" });
  await client.setWeights([{ address: "a:1", weight: 2 }], { expectedRevision: 3 });
  await client.undrain(["a:1"]);
  await client.changeDrain(["a:1"], { limitMs: 4 });
  await client.pause({ holdLimitMs: 5, maxHeld: 6 });
  await client.resume({ pacePerSecond: 0 });
  await client.setHealthCheck({ type: "grpc", service: "x" });
  await client.setHealthCheck(undefined);
  await client.history();
  await client.rollback({ revision: 7, drain: { spreadMs: 8 } });
  await client.remove(["a:1"], { drain: { limitMs: 9 } });
  const service = "default";
  const none = undefined;
  assert.deepEqual(asked, [
    ["setWeights", { service, backends: [{ address: "a:1", weight: 2 }], expectedRevision: 3n }, "me"],
    ["undrain", { service, addresses: ["a:1"], expectedRevision: none }, "me"],
    [
      "changeDrain",
      { service, addresses: ["a:1"], options: { limitMs: 4, idleLimitMs: none, spreadMs: 0 } },
      "me",
    ],
    ["pause", { service, holdLimitMs: 5, maxHeld: 6 }, "me"],
    ["resume", { service, pacePerSecond: 0 }, "me"],
    [
      "setHealthCheck",
      {
        service,
        healthCheck: {
          kind: { $case: "grpc", value: { service: "x" } },
          intervalMs: none,
          timeoutMs: none,
          rise: none,
          fall: none,
        },
      },
      "me",
    ],
    ["setHealthCheck", { service, healthCheck: none }, "me"],
    ["getHistory", { service }, none],
    [
      "rollback",
      {
        service,
        revision: 7n,
        expectedRevision: none,
        drain: { limitMs: none, idleLimitMs: none, spreadMs: 8 },
      },
      "me",
    ],
    [
      "remove",
      {
        service,
        addresses: ["a:1"],
        expectedRevision: none,
        drain: { limitMs: 9, idleLimitMs: none, spreadMs: 0 },
      },
      "me",
    ],
  ]);
});

test("what can't be sent is refused by name, and nothing is sent", async (t) => {
  const { client, requests } = await startFake(t, {});
  const bad = (value: unknown): never => value as never;
  for (const [call, named] of [
    [() => client.deploy(bad("a:1")), "backends"],
    [() => client.deploy(["a:1"], { canaryPercents: bad(5) }), "canaryPercents"],
    [() => client.deploy(["a:1"], { canaryPercents: [1.5] }), "canaryPercents"],
    [() => client.deploy(["a:1"], { bakeMs: -1 }), "bakeMs"],
    [() => client.deploy(["a:1"], { fleet: bad("yes") }), "fleet"],
    [() => client.deploy(["a:1"], { quorum: 2 }), "quorum"],
    [() => client.deploy(["a:1"], { fleet: true, quorum: -1 }), "quorum"],
    [() => client.deploy(["a:1"], { fleet: false, firstProxies: 1 }), "firstProxies"],
    [() => client.deploy(["a:1"], { fleet: true, firstProxies: 0.5 }), "firstProxies"],
    [() => client.deploy(["a:1"], { fleet: true, firstProxies: 1, canaryPercents: [5] }), "firstProxies"],
    [() => client.get({ linearizable: bad(1) }), "linearizable"],
    [() => client.fleet({ timeoutMs: 0 }), "timeoutMs"],
    [() => client.deploy(["a:1"], { healthCheck: bad({ type: "udp" }) }), "healthCheck.type"],
    [() => client.deploy(["a:1"], { healthCheck: { type: "tcp", rise: NaN } }), "healthCheck.rise"],
    [() => client.set(["a:1"], { drain: { limitMs: bad("30s") } }), "drain.limitMs"],
    [() => client.pause({ maxHeld: bad("1") }), "maxHeld"],
    [() => client.rollback({ revision: -1 }), "revision"],
    [() => client.waitForDrain(bad("a:1")), "addresses"],
  ] as const)
    await assert.rejects(call(), (error: Error) => {
      assert.ok(error.message.startsWith(`INVALID_OPTIONS: ${named} `), error.message);
      return true;
    });
  assert.deepEqual(requests, []);
  assert.equal(BackendState.UNHEALTHY, 5);
});
