import type { MemberDeploy } from "./fleet.js";
import { UNKNOWN, type Health } from "./health.js";

/**
 * What the fleet thinks of a new backend: healthy once a quorum of the live proxies find it so, unhealthy once so many
 * find it unhealthy that there can't be one, and not known in between.
 * @param quorum 0: all live ones; more than there are count as all
 */
export function fleetHealth(reports: readonly DeployReport[], address: string, quorum: number): Health {
  // At least one: while not even this proxy has told of itself, nothing is known.
  const needed = Math.max(quorum === 0 ? reports.length : Math.min(quorum, reports.length), 1);
  const opinions = reports.map(({ name, deploy }) => {
    const health = deploy?.candidates.find((candidate) => candidate.address === address)?.health ?? UNKNOWN;
    return { name, health };
  });
  const count = (state: Health["state"]): number =>
    opinions.filter(({ health }) => health.state === state).length;
  const state =
    count("healthy") >= needed
      ? "healthy"
      : count("unhealthy") > Math.max(reports.length - needed, 0)
        ? "unhealthy"
        : "unknown";
  return {
    state,
    against: 0,
    error: complaint(opinions, count("healthy"), needed),
    checkedUnixMs: latest(opinions),
  };
}

/** What a live proxy says of a deploy; undefined: nothing yet. */
export interface DeployReport {
  readonly name: string;
  readonly deploy: MemberDeploy | undefined;
}

type Opinion = { readonly name: string; readonly health: Health };

function complaint(opinions: readonly Opinion[], healthy: number, needed: number): string {
  if (healthy >= needed) return "";
  const against = opinions.find(({ health }) => health.error !== "");
  const why = against ? `, ${against.name}: ${against.health.error}` : "";
  return `healthy by ${healthy} of the ${needed} proxies needed${why}`;
}

function latest(opinions: readonly Opinion[]): number | undefined {
  const known = opinions.flatMap(({ health }) => health.checkedUnixMs ?? []);
  return known.length === 0 ? undefined : Math.max(...known);
}
