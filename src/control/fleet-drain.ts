import { endsOf } from "../engine/ends.js";
import { NO_LIMITS, type Drain, type DrainCounts, type DrainState } from "./drain.js";
import type { FleetMember, MemberDrain, MemberService } from "./fleet.js";
import { NO_LEDGER } from "./ledger.js";

/** A proxy of the fleet as a deploy sees it. */
export interface DeployMember {
  readonly member: FleetMember;
  /** Its lease has run out; what it said last still counts, and it is not waited for. */
  readonly vanished: boolean;
}

/**
 * The drain of a backend on the whole fleet: its connections are the sum over all proxies, and it has ended when it has
 * on every live one. One that has not applied the switch yet, or does not know of the deploy, has not even begun; one
 * that has, and says nothing of the backend, has none of its connections.
 */
export function fleetDrain(
  members: readonly DeployMember[],
  { service, deploy, revision, id, weight }: DrainOfFleet,
): Drain {
  const reports = members.map(({ member, vanished }) => {
    const told = member.services.find((each) => each.service === service);
    const applied = told !== undefined && told.revision >= revision && told.deploy?.id === deploy;
    return { vanished, applied, drain: drainIn(told, id) };
  });
  const drains = reports.flatMap(({ drain }) => drain ?? []);
  const waited = reports.some(
    ({ vanished, applied, drain }) => !vanished && (!applied || (drain && drain.state.phase !== "ended")),
  );
  const ends = drains.reduce(
    (sum, drain) => endsOf((cause) => sum[cause] + drain.ends[cause]),
    NO_LEDGER.ends,
  );
  const counts: DrainCounts = { open: sumOf(drains, "open"), bytes: 0, ends };
  return {
    id,
    weight,
    limits: NO_LIMITS,
    startedUnixMs: Math.min(...drains.map(({ startedUnixMs }) => startedUnixMs), Date.now()),
    connectionsAtStart: sumOf(drains, "atStart"),
    deadlineUnixMs: undefined,
    atStart: { open: sumOf(drains, "atStart"), bytes: 0, ends: NO_LEDGER.ends },
    now: counts,
    lastByteUnixMs: undefined,
    state: waited ? { phase: "open" } : endOf(drains),
  };
}

export interface DrainOfFleet {
  readonly service: string;
  /** Its id. */
  readonly deploy: string;
  /** That took the backend out. */
  readonly revision: number;
  readonly id: string;
  readonly weight: number;
}

/** Connections to backends that leave, by what a proxy has said last. */
export function openOf(service: MemberService | undefined): number {
  return sumOf(service?.deploy?.drains ?? [], "open");
}

const drainIn = (told: MemberService | undefined, id: string): MemberDrain | undefined =>
  told?.deploy?.drains.find(({ address }) => address === id);

const sumOf = (drains: readonly MemberDrain[], key: "open" | "atStart"): number =>
  drains.reduce((sum, drain) => sum + drain[key], 0);

function endOf(drains: readonly MemberDrain[]): DrainState {
  const ended = drains.flatMap(({ state }) => (state.phase === "ended" ? state : []));
  const outcome = (["cut", "taken-back"] as const).find((each) => ended.some((end) => end.outcome === each));
  const endedUnixMs = Math.max(...ended.map((end) => end.endedUnixMs), 0) || Date.now();
  return { phase: "ended", endedUnixMs, outcome: outcome ?? "empty" };
}
