import assert from "node:assert/strict";
import { test } from "node:test";
import { fleetDrain, type DeployMember } from "./fleet-drain.js";
import { fleetHealth } from "./fleet-health.js";
import type { MemberDeploy, MemberDrain } from "./fleet.js";
import { NO_LEDGER } from "./ledger.js";

const OLD = "10.0.0.1:80";
const asked = { service: "web", deploy: "d", revision: 5, id: OLD, weight: 1 };

interface Told {
  readonly revision?: number;
  readonly deploy?: string;
  readonly open?: number;
  readonly ended?: "empty" | "cut";
  readonly vanished?: boolean;
}

/** A proxy and what it says of the backend that leaves; `open` left out: nothing. */
function tells({ revision = 5, deploy = "d", open, ended, vanished = false }: Told): DeployMember {
  const state = ended
    ? ({ phase: "ended", endedUnixMs: 9, outcome: ended } as const)
    : ({ phase: "open" } as const);
  const ends = { ...NO_LEDGER.ends, client: 2 };
  const drains: MemberDrain[] =
    open === undefined ? [] : [{ address: OLD, startedUnixMs: 7, atStart: open + 2, open, ends, state }];
  const told: MemberDeploy = { id: deploy, candidates: [], drains };
  const service = { service: "web", revision, openConnections: 0, backends: [], deploy: told };
  return {
    vanished,
    member: { id: "m", name: "m", version: "1", startedUnixMs: 1, sharesName: false, services: [service] },
  };
}

const phase = (...members: DeployMember[]): string => {
  const { state } = fleetDrain(members, asked);
  return state.phase === "ended" ? `ended ${state.outcome}` : state.phase;
};

test("a drain of the fleet is the sum of its proxies', and ends with the last of them", () => {
  const { now, connectionsAtStart, startedUnixMs } = fleetDrain(
    [tells({ open: 3 }), tells({ open: 4 })],
    asked,
  );
  assert.deepEqual([now.open, now.ends.client, connectionsAtStart, startedUnixMs], [7, 4, 11, 7]);
  assert.equal(phase(tells({ open: 1 }), tells({ open: 0, ended: "empty" })), "open");
  assert.equal(phase(tells({ open: 0, ended: "empty" }), tells({ open: 0, ended: "empty" })), "ended empty");
  assert.equal(phase(tells({ open: 0, ended: "cut" }), tells({ open: 0, ended: "empty" })), "ended cut");
});

test("a proxy that has not applied the switch, or does not know of the deploy, is waited for", () => {
  assert.equal(phase(tells({ revision: 4 })), "open");
  assert.equal(phase(tells({ deploy: "another" })), "open");
  assert.equal(phase(tells({})), "ended empty");
});

test("one that has vanished is not waited for, and what it said last is counted", () => {
  assert.equal(phase(tells({ revision: 4, vanished: true }), tells({})), "ended empty");
  assert.equal(phase(tells({ open: 3, vanished: true })), "ended empty");
  assert.equal(fleetDrain([tells({ open: 3, vanished: true })], asked).now.ends.client, 2);
});

const says = (name: string, state: "unknown" | "healthy" | "unhealthy", error = "") => {
  const health = { state, error, against: 0, checkedUnixMs: 1 };
  return { name, deploy: { id: "d", drains: [], candidates: [{ address: "new", health }] } };
};
const judged = (quorum: number, ...reports: ReturnType<typeof says>[]) => fleetHealth(reports, "new", quorum);

test("a backend is healthy by a quorum, unhealthy when none is possible, and else not known", () => {
  const [good, bad, none] = [says("a", "healthy"), says("b", "unhealthy", "no"), says("c", "unknown")];
  assert.equal(judged(0, good, good).state, "healthy");
  assert.equal(judged(0, good, none).state, "unknown");
  assert.equal(judged(0, good, bad).state, "unhealthy");
  assert.equal(judged(1, good, bad).state, "healthy");
  assert.equal(judged(2, good, bad, none).state, "unknown");
  assert.equal(judged(2, bad, bad, good).state, "unhealthy");
  assert.equal(judged(9, good, good).state, "healthy");
  assert.equal(judged(1).state, "unknown");
  assert.equal(judged(2, good, bad, none).error, "healthy by 1 of the 2 proxies needed, b: no");
  assert.equal(fleetHealth([{ name: "a", deploy: undefined }], "new", 0).state, "unknown");
});
