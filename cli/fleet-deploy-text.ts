import { type DeployProxy, type DeployStatus, DrainOutcome } from "@seamless/sdk";
import { countConnections, countProxies } from "./count-text.js";
import { earliest } from "./drain-text.js";
import type { Step } from "./progress.js";
import { formatSpan } from "./time-text.js";

/** So many are named; of a great fleet the rest is counted. */
const MOST_NAMED = 5;

type Proxies = readonly DeployProxy[];

/** Which proxies the new backends are checked by; "" for a deploy of one. */
export function formatCheckers(status: DeployStatus): string {
  return isOfFleet(status) ? ` on ${names(waitedFor(status))}` : "";
}

/** Where the deploy's last change is in force; "" for a deploy of one proxy. */
export function formatReach(status: DeployStatus): string {
  if (!isOfFleet(status)) return "";
  const behind = notYet(status);
  if (behind.length > 0) return ` (not yet on ${names(behind)})`;
  return ` on ${countProxies(waitedFor(status).length)}`;
}

/** Of a canary by proxy: which ones are first; "" for any other canary. */
export function formatFirst(status: DeployStatus): string {
  const all = waitedFor(status);
  const first = all.filter((proxy) => proxy.first);
  if (first.length === 0) return "";
  const behind = notYet(status).filter((proxy) => proxy.first);
  const reach = behind.length > 0 ? ` (not yet on ${names(behind)})` : "";
  return `the new backends are tried on ${names(first)}, ${first.length} of ${countProxies(all.length)}${reach}`;
}

/** To be added to what is said of a status. */
export function formatGone({ proxies }: DeployStatus): string {
  const gone = proxies.filter(({ vanished }) => vanished);
  return gone.length === 0 ? "" : `; ${names(gone)} vanished`;
}

/** What is still waited for, in which proxy. */
export function fleetDrainStep(status: DeployStatus, json: object): Step {
  const behind = notYet(status);
  const holding = waitedFor(status).filter(({ openConnections }) => openConnections > 0);
  const drains = status.drains.filter(({ outcome }) => outcome !== DrainOutcome.TAKEN_BACK);
  const addresses = drains.map(({ address }) => address).join(", ");
  const deadline = earliest(drains, "deadlineUnixMs");
  const gone = formatGone(status);
  return {
    gist: `draining ${addresses} (${names(behind)}) (${names(holding)})${gone}`,
    json,
    text(nowMs) {
      if (behind.length + holding.length === 0) return `drained${gone}`;
      const parts = [
        ...(behind.length > 0 ? [`waiting for ${names(behind)} to switch`] : []),
        ...(holding.length > 0 ? [describeOpen(holding, addresses)] : []),
      ];
      const passed = formatSpan(nowMs - Number(status.phaseStartedUnixMs));
      const cut = deadline === 0 ? "" : `, cut in ${formatSpan(deadline - nowMs)}`;
      return `draining: ${parts.join(", ")}, for ${passed}${cut}${gone}`;
    },
  };
}

function describeOpen(holding: Proxies, addresses: string): string {
  const where = holding.map(({ name, openConnections }) => `${name} (${openConnections})`);
  return `${countConnections(sumOpen(holding))} to ${addresses || "the old backends"} left on ${enumerate(where)}`;
}

function isOfFleet({ proxies }: DeployStatus): boolean {
  return proxies.length > 0;
}

/** All but those that have vanished. */
export function waitedFor({ proxies }: Pick<DeployStatus, "proxies">): Proxies {
  return proxies.filter(({ vanished }) => !vanished);
}

function notYet(status: DeployStatus): Proxies {
  return waitedFor(status).filter(({ revision }) => revision < status.revision);
}

/** What was open on all of them, as they last said. */
export function sumOpen(proxies: Proxies): number {
  return proxies.reduce((sum, { openConnections }) => sum + openConnections, 0);
}

function names(proxies: Proxies): string {
  return enumerate(proxies.map(({ name }) => name));
}

function enumerate(words: readonly string[]): string {
  const more = words.length - MOST_NAMED;
  return more > 0 ? `${words.slice(0, MOST_NAMED).join(", ")} and ${more} more` : words.join(", ");
}
