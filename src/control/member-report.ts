import type { CandidateWatch } from "./candidate-watch.js";
import type { DrainKeeper } from "./drain-keeper.js";
import { drainEnds } from "./drain.js";
import type { DeployNote, MemberDeploy, MemberDrain, MemberService } from "./fleet.js";
import type { ServiceState } from "./service-state.js";

/** What this proxy tells the fleet of a service. */
export function reportService(
  { service, openConnections, backends }: ServiceState,
  revision: number,
  deploy: MemberDeploy | undefined,
): MemberService {
  return {
    service,
    revision,
    openConnections,
    backends: backends.map(({ address, status, counters }) => {
      const { activeConnections: open, totalConnections: total, failedConnects: failed } = counters;
      return { address, status, open, total, failed };
    }),
    deploy,
  };
}

/** Of the fleet's deploy under way. */
export function reportDeploy(watch: CandidateWatch, drains: DrainKeeper): MemberDeploy | undefined {
  const { note, candidates } = watch;
  return note && { id: note.id, candidates, drains: reportDrains(note, drains) };
}

function reportDrains({ leaving }: DeployNote, keeper: DrainKeeper): readonly MemberDrain[] {
  return leaving.flatMap((address) => {
    const drain = keeper.find(address);
    if (!drain) return [];
    const { startedUnixMs, connectionsAtStart: atStart, now, state } = drain;
    return { address, startedUnixMs, atStart, open: now.open, ends: drainEnds(drain), state };
  });
}
