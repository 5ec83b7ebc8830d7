import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientReadableStream } from "@grpc/grpc-js";
import {
  ChangeDrainRequest,
  DeployOutcome,
  DeployRequest,
  DrainOutcome,
  PauseRequest,
  ResumeRequest,
  RollbackRequest,
  SetHealthCheckRequest,
  SetWeightsRequest,
  UndrainRequest,
  type DeployResponse,
  type GetHistoryResponse,
  type WatchDrainResponse,
} from "@seamless/proto";
import type { Author } from "../control/history.js";
import { endDeploy } from "../control/deploy-status.js";
import { beginDrain, observeDrain } from "../control/drain.js";
import { NO_LEDGER } from "../control/ledger.js";
import { ask, startGrpc } from "./testing/grpc-fixture.js";
import { until } from "./testing/waiting.js";

/** What a stream has given so far, and how it ended. */
function collect<T>(call: ClientReadableStream<T>): { readonly seen: T[]; readonly ended: Promise<unknown> } {
  const seen: T[] = [];
  call.on("data", (value: T) => seen.push(value));
  const ended = new Promise((resolve) => call.on("error", resolve).on("end", () => resolve("OK")));
  return { seen, ended };
}

test("the calls that change something else than the list become one question each", async (t) => {
  const { connect, management } = await startGrpc(t);
  const client = connect();
  await ask((done) =>
    client.setWeights(SetWeightsRequest.create({ backends: [{ address: "a:1", weight: 2 }] }), done),
  );
  await ask((done) =>
    client.undrain(UndrainRequest.create({ addresses: ["a:1"], expectedRevision: 3n }), done),
  );
  await ask((done) => client.rollback(RollbackRequest.create({ revision: 4n, drain: { limitMs: 0 } }), done));
  await ask((done) => client.rollback(RollbackRequest.create(), done));
  await ask((done) => client.pause(PauseRequest.create({ holdLimitMs: 5 }), done));
  await ask((done) => client.resume(ResumeRequest.create({ pacePerSecond: 6 }), done));
  const healthCheck = { kind: { $case: "http", value: { path: "/up" } }, rise: 7 } as const;
  await ask((done) => client.setHealthCheck(SetHealthCheckRequest.create({ healthCheck }), done));
  await ask((done) => client.setHealthCheck(SetHealthCheckRequest.create(), done));
  const options = { limitMs: 8, idleLimitMs: 9, spreadMs: 10 };
  await ask((done) => client.changeDrain(ChangeDrainRequest.create({ addresses: ["a:1"], options }), done));
  const asked = management.asked.filter(([kind]) => kind !== "service");
  const { actor, from } = asked[0]?.[2] as Author;
  const drain = { limitMs: 0, idleLimitMs: undefined, spreadMs: 0 };
  assert.deepEqual(asked, [
    ["weigh", [{ address: "a:1", weight: 2 }], { actor, from, drain: undefined }],
    ["undrain", ["a:1"], { actor, from, drain: undefined, expectedRevision: 3 }],
    ["rollback", 4, { actor, from, drain }],
    ["rollback", undefined, { actor, from, drain: undefined }],
    ["pause", { service: "", holdLimitMs: 5, maxHeld: undefined }],
    ["resume", 6],
    [
      "setHealthCheck",
      {
        kind: { type: "http", path: "/up", host: "", expectedStatus: "" },
        intervalMs: undefined,
        timeoutMs: undefined,
        rise: 7,
        fall: undefined,
      },
    ],
    ["setHealthCheck", undefined],
    ["changeDrain", ["a:1"], options],
  ]);
});

test("the history comes with its lists and ledgers", async (t) => {
  const { connect, management } = await startGrpc(t);
  management.entries = [
    {
      revision: 2,
      atUnixMs: 3,
      verb: "deploy",
      actor: "me",
      from: "there",
      list: [{ id: "a:1", address: { kind: "name", host: "a", port: 1 }, weight: 4 }],
      ledger: { ...NO_LEDGER, connectFailed: 5 },
    },
  ];
  const { entries } = await ask<GetHistoryResponse>((done) => connect().getHistory({ service: "" }, done));
  assert.equal(entries[0]?.ledger?.connectFailed, 5n);
  assert.deepEqual(
    { ...entries[0], ledger: undefined },
    {
      revision: 2n,
      atUnixMs: 3n,
      verb: "deploy",
      actor: "me",
      from: "there",
      backends: [{ address: "a:1", weight: 4 }],
      ledger: undefined,
    },
  );
});

test("a deploy's stream carries each status, and ends with OK after the verdict", async (t) => {
  const { connect, management } = await startGrpc(t);
  const request = DeployRequest.create({ backends: [{ address: "a:1" }], canaryPercents: [5], bakeMs: 6 });
  const { seen, ended } = collect<DeployResponse>(connect().deploy(request));
  await until(() => seen.length === 1);
  const verdict = { outcome: "returned", reason: "sick", revision: 9 } as const;
  management.deploys.publish(endDeploy(management.deployStatus, verdict, 1_700_000_000_250));
  assert.equal(await ended, "OK");
  assert.deepEqual(seen.at(-1)?.status?.verdict, {
    outcome: DeployOutcome.RETURNED,
    reason: "sick",
    revision: 9n,
    ended: 0n,
    cut: 0n,
    closedIdle: 0n,
    durationMs: 250n,
    vanishedProxies: [],
    restartedProxies: [],
  });
  const [, deploy] = management.asked;
  assert.deepEqual(deploy?.[0], "deploy");
  const { canaryPercents, bakeMs } = deploy[1] as { canaryPercents: number[]; bakeMs: number };
  assert.deepEqual([canaryPercents, bakeMs], [[5], 6]);
});

test("a caller who leaves is told of; one who only watches is not", async (t) => {
  const { connect, management } = await startGrpc(t);
  const watching = connect().watchDeploy({ service: "" });
  const watched = collect(watching);
  await until(() => watched.seen.length === 1);
  watching.cancel();
  await watched.ended;
  const deploying = connect().deploy(DeployRequest.create());
  const deployed = collect(deploying);
  await until(() => deployed.seen.length === 1);
  assert.equal(management.callersLeft, 0);
  deploying.cancel();
  await until(() => management.callersLeft === 1);
});

test("a caller who leaves before the deploy has begun is told of, too", async (t) => {
  const { connect, management } = await startGrpc(t);
  let begin = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    management.onAsk = (kind) => {
      if (kind !== "deploy") return undefined;
      resolve();
      return new Promise<void>((go) => (begin = go));
    };
  });
  const call = connect().deploy(DeployRequest.create());
  const { ended } = collect(call);
  await asked;
  call.cancel();
  await ended;
  begin();
  await until(() => management.callersLeft === 1);
});

test("a refused deploy is an error of the stream", async (t) => {
  const { connect, management } = await startGrpc(t);
  management.onAsk = (kind) => {
    if (kind === "deploy") throw new Error("a bug");
  };
  const { ended } = collect(connect().deploy(DeployRequest.create()));
  assert.match(String(await ended), /INTERNAL/);
});

test("the drains' stream ends once all of them have", async (t) => {
  const { connect, management } = await startGrpc(t);
  const counts = { open: 2, bytes: 0, ends: NO_LEDGER.ends };
  const drain = beginDrain({ id: "a:1", weight: 1, limits: { spreadMs: 0 }, counts, nowMs: 1 });
  management.drains = [drain];
  const { seen, ended } = collect<WatchDrainResponse>(
    connect().watchDrain({ service: "", addresses: ["a:1"] }),
  );
  await until(() => seen.length === 1);
  assert.equal(seen[0]?.drains[0]?.outcome, DrainOutcome.OPEN);
  const ends = { ...NO_LEDGER.ends, drain: 2 };
  management.drainFeed.publish([observeDrain(drain, { open: 0, bytes: 0, ends }, 5)]);
  assert.equal(await ended, "OK");
  const [status] = seen.at(-1)?.drains ?? [];
  assert.deepEqual([status?.outcome, status?.endedUnixMs], [DrainOutcome.CUT, 5n]);
});
