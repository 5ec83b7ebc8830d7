import type { Listener } from "../engine/engine.js";
import type { ListedBackend } from "./backend-list.js";
import type { Attempts, DeployHost, Judge } from "./deploy.js";
import type { DeployProxy } from "./deploy-status.js";
import type { DrainKeeper } from "./drain-keeper.js";
import { fleetDrain, openOf, type DeployMember } from "./fleet-drain.js";
import { fleetHealth } from "./fleet-health.js";
import type { Fleet, FleetMember, MemberService } from "./fleet.js";
import type { HealthMonitor } from "./health-monitor.js";

export interface OneProxy extends Pick<DeployHost, "present" | "commit"> {
  readonly listener: Listener;
  readonly drains: DrainKeeper;
  readonly createMonitor: (...options: Parameters<DeployHost["judge"]>) => HealthMonitor;
}

/** A deploy of this proxy alone. */
export function hostOfOne({ present, commit, listener, drains, createMonitor }: OneProxy): DeployHost {
  return {
    present,
    commit,
    drain: ({ id }) => drains.find(id),
    limitDrains: (ids, limits) => drains.limitIfRunning(ids, limits),
    onDrainChange: (call) => drains.onChange(call),
    attempts: (ids) => sumAttempts(ids.map((id) => listener.counters(id))),
    judge(check, backends, onJudged) {
      const monitor = createMonitor(check, backends, onJudged);
      monitor.follow(backends.map(({ id }) => id));
      return monitor;
    },
    proxies: () => [],
  };
}

export interface FleetDeploy {
  readonly id: string;
  readonly service: string;
  readonly fleet: Fleet;
  readonly quorum: number;
  /** Tells all proxies that the drains they have begun last are to end in another way. */
  readonly limitDrains: DeployHost["limitDrains"];
}

/**
 * A deploy of the whole fleet, by what its members tell of themselves: the list is everybody's anyway; a backend is as
 * healthy as a quorum finds it; and a drain has ended when it has everywhere. A member that vanishes is waited for as
 * long as its lease, and what it said last is counted. One that is started anew goes on under its name; what was open on
 * the process before is lost, and said to be.
 */
export function hostOfFleet(
  { present, commit }: Pick<DeployHost, "present" | "commit">,
  { id: deployId, service, fleet, quorum, limitDrains }: FleetDeploy,
): DeployHost {
  let revision = Infinity;
  const known = new Map<string, FleetMember>();
  const look = (): readonly SeenMember[] => {
    const live = fleet.members().filter((member) => serviceIn(member, service));
    for (const member of live) known.set(member.id, member);
    const isLive = new Set(live.map(({ id }) => id));
    return [...known.values()]
      .filter((member) => isLive.has(member.id) || !live.some((other) => isSuccessor(other, member)))
      .map((member) => ({ member, vanished: !isLive.has(member.id), replaced: replacedBy(member, isLive) }));
  };
  const replacedBy = (member: FleetMember, isLive: ReadonlySet<string>): readonly FleetMember[] =>
    [...known.values()]
      .filter((other) => !isLive.has(other.id) && isSuccessor(member, other))
      // One that had ended before the deploy began may be there as long as its lease.
      .filter((other) => serviceIn(other, service)?.deploy?.id === deployId);
  const servicesOf = (members: readonly DeployMember[]): readonly MemberService[] =>
    members.flatMap(({ member }) => serviceIn(member, service) ?? []);
  return {
    present,
    async commit(change) {
      revision = await commit(change);
      return revision;
    },
    drain: ({ id, weight }: ListedBackend) =>
      fleetDrain(look(), { service, deploy: deployId, revision, id, weight }),
    limitDrains,
    onDrainChange: (call) => fleet.onChange(call),
    attempts: (ids) => {
      const backends = servicesOf(look()).flatMap((told) => told.backends);
      const asked = backends.filter(({ address }) => ids.includes(address));
      return sumAttempts(
        asked.map((each) => ({ totalConnections: each.total, failedConnects: each.failed })),
      );
    },
    judge(_, __, onJudged): Judge {
      const close = fleet.onChange(onJudged);
      const reports = () =>
        look()
          .filter(({ vanished }) => !vanished)
          .map(({ member }) => {
            const deploy = serviceIn(member, service)?.deploy;
            return { name: member.name, deploy: deploy?.id === deployId ? deploy : undefined };
          });
      return { health: (address) => fleetHealth(reports(), address, quorum), close };
    },
    proxies() {
      const first = present().trial?.proxies ?? [];
      return look().map((each) => toDeployProxy(each, service, first));
    },
  };
}

const serviceIn = ({ services }: FleetMember, service: string): MemberService | undefined =>
  services.find((each) => each.service === service);

interface SeenMember extends DeployMember {
  /** Processes of the same name that it has taken the place of during the deploy. */
  readonly replaced: readonly FleetMember[];
}

/** A process that was started anew: the connections of the one before have ended with it. */
const isSuccessor = (one: FleetMember, other: FleetMember): boolean =>
  one.name === other.name && one.startedUnixMs > other.startedUnixMs;

function toDeployProxy(
  { member, vanished, replaced }: SeenMember,
  service: string,
  firstProxies: readonly string[],
): DeployProxy {
  const told = serviceIn(member, service);
  const { id, name } = member;
  const [revision, first] = [told?.revision ?? 0, firstProxies.includes(id)];
  const restarted = replaced.length > 0;
  const lostConnections = replaced.reduce((sum, other) => sum + openOf(serviceIn(other, service)), 0);
  return { id, name, vanished, revision, first, openConnections: openOf(told), restarted, lostConnections };
}

function sumAttempts(
  counters: readonly { readonly totalConnections: number; readonly failedConnects: number }[],
): Attempts {
  const failed = counters.reduce((sum, { failedConnects }) => sum + failedConnects, 0);
  return { failed, made: counters.reduce((sum, { totalConnections }) => sum + totalConnections, failed) };
}
