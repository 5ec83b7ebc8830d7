import {
  DeployOutcome,
  type DeployProxy,
  type DeployStatus,
  type DeployVerdict,
  DrainOutcome,
  type DrainStatus,
} from "@seamless/sdk";
import { countConnections, countProxies } from "./count-text.js";
import { sumOpen, waitedFor } from "./fleet-deploy-text.js";

/** What the last status of a deploy has, and its verdict has not. */
export type LastSeen = Pick<DeployStatus, "revision" | "drains" | "proxies">;

/** The verdict, in one line; of the old backends it says which may be stopped. */
export function formatVerdict(verdict: DeployVerdict, seen: LastSeen): string {
  if (verdict.outcome === DeployOutcome.SWITCHED) return `${describeSwitch(verdict, seen)}\n`;
  const { vanishedProxies: lost, restartedProxies: anew } = verdict;
  const gone = lost.length > 0 ? `; vanished meanwhile: ${lost.join(", ")}` : "";
  const back = anew.length > 0 ? `; started anew meanwhile: ${anew.join(", ")}` : "";
  return `${describeFailure(verdict)}${gone}${back}\n`;
}

function describeSwitch(verdict: DeployVerdict, seen: LastSeen): string {
  const { revision, ended, cut, closedIdle, durationMs } = verdict;
  const { drains, proxies } = seen;
  const where = proxies.length > 0 ? ` on ${countProxies(waitedFor(seen).length)}` : "";
  const took = `${(Number(durationMs) / 1_000).toFixed(1)}s`;
  const connections = `${ended} connections ended by themselves, ${cut} cut, ${closedIdle} closed idle`;
  const old = describeOld(drains, lostProxies(verdict, seen));
  return `switched: revision ${revision}${where} in ${took}; ${connections}${describeRestarts(proxies)}${old}`;
}

/** What was open there is lost for certain, so that it does not keep the old backends from being stopped. */
function describeRestarts(proxies: readonly DeployProxy[]): string {
  const said = proxies
    .filter(({ restarted }) => restarted)
    .map(({ name, lostConnections: lost }) => `${name} was started anew, and ${countConnections(lost)} lost`);
  return said.map((text) => `; ${text}`).join("");
}

function describeFailure({ outcome, reason, revision }: DeployVerdict): string {
  switch (outcome) {
    case DeployOutcome.NEVER_HEALTHY:
      return `never healthy, nothing changed: ${reason}`;
    case DeployOutcome.RETURNED:
      return `returned to the old backends, revision ${revision}: ${reason}`;
    case DeployOutcome.SUPERSEDED:
      return `given up: ${reason} (revision ${revision})`;
    case DeployOutcome.CANCELLED:
      return `cancelled, the list is what it was before: ${reason}`;
    case DeployOutcome.UNKNOWN:
      return `not known how it ended: ${reason}; see with \`seamlessctl get --linearizable\` how the list is`;
    case DeployOutcome.SWITCHED:
    case DeployOutcome.UNSPECIFIED:
    default:
      return `ended, this version of seamlessctl does not know how: ${reason} (revision ${revision})`;
  }
}

/** A proxy that vanished, as the verdict names it. */
export interface LostProxy {
  readonly name: string;
  /** Connections to the old backends, as it last said. */
  readonly open: number;
  /** It had the new list, so that those could only become fewer. */
  readonly hadSwitched: boolean;
}

export function lostProxies(
  { vanishedProxies }: DeployVerdict,
  { proxies, revision }: LastSeen,
): readonly LostProxy[] {
  return [...new Set(vanishedProxies)].map((name) => {
    const gone = proxies.filter((proxy) => proxy.vanished && proxy.name === name);
    const hadSwitched = gone.length > 0 && gone.every((proxy) => proxy.revision >= revision);
    return { name, open: sumOpen(gone), hadSwitched };
  });
}

/** For the verdict of a switch: on what it depends that the old backends are safe to stop. */
function formatLost(lost: readonly LostProxy[]): string {
  const said = lost.map(({ name, open, hadSwitched }) => {
    const when = hadSwitched ? "" : " before it switched,";
    return `${name} vanished${when} with ${countConnections(open)} open as it last said`;
  });
  return `${said.join(", ")}: safe to stop only if ${lost.length === 1 ? "it is" : "they are"} gone for good`;
}

/** Someone may have taken an old backend back while it drained: it serves again. */
function describeOld(drains: readonly DrainStatus[], lost: readonly LostProxy[]): string {
  const [back, gone] = [true, false].map((taken) =>
    drains
      .filter(({ outcome }) => (outcome === DrainOutcome.TAKEN_BACK) === taken)
      .map(({ address }) => address),
  );
  const which = gone?.length ? `: ${gone.join(", ")}` : "";
  const safe = lost.length > 0 ? `; ${formatLost(lost)}${which}` : which && `; safe to stop${which}`;
  return back?.length ? `${safe}; taken back, still serving: ${back.join(", ")}` : safe;
}
