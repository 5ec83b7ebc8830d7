import { BackendState, type Fleet, type FleetProxy, type FleetService } from "@seamless/sdk";
import { countProxies } from "./count-text.js";
import { oneLine } from "./one-line.js";
import { stateWord } from "./state-text.js";
import { formatStore } from "./store-text.js";
import { formatTable } from "./table.js";

const HEAD = ["PROXY", "ID", "VERSION", "SERVICE", "REVISION", "OPEN", "DRAINING"];
const NUMERIC = new Set([4, 5]);
const SHORTEST_ID = 8;

/** The fleet as a table, with the store above it. */
export function formatFleet({ proxies, store }: Fleet, nowMs: number): string {
  const title = `${countProxies(proxies.length)}${store ? `, store ${formatStore(store, nowMs)}` : ""}`;
  const length = shortLength(proxies.map(({ id }) => id));
  const latest = latestRevisions(proxies);
  const rows = proxies.flatMap((proxy) => proxyRows(proxy, proxy.id.slice(0, length), latest));
  const table = rows.length === 0 ? "" : formatTable([HEAD, ...rows], NUMERIC);
  return `${oneLine(title)}\n${table}${warnOfNames(proxies)}`;
}

function warnOfNames(proxies: readonly FleetProxy[]): string {
  const names = new Set(proxies.filter(({ sharesName }) => sharesName).map(({ name }) => name));
  const lines = [...names].map(
    (name) =>
      `warning: more than one live proxy is called ${oneLine(name)}: give each its own --proxy-name\n`,
  );
  return lines.join("");
}

/** A fleet for programs: as in the contract, but with states as lower-case words. */
export function jsonFleet(fleet: Fleet): object {
  const proxies = fleet.proxies.map((proxy) => ({
    ...proxy,
    services: proxy.services.map((service) => ({
      ...service,
      backends: service.backends.map((backend) => ({ ...backend, state: stateWord(backend.state) })),
    })),
  }));
  return { ...fleet, proxies };
}

/** A row per service; what is the same in all of them stands in the first. */
function proxyRows(
  { name, self, version, services }: FleetProxy,
  id: string,
  latest: ReadonlyMap<string, bigint>,
): readonly (readonly string[])[] {
  const head = [self ? `${name} (asked)` : name, id, version];
  if (services.length === 0) return [[...head, "-", "-", "-", "-"]];
  return services.map((service, index) => [
    ...(index === 0 ? head : ["", "", ""]),
    ...serviceCells(service, latest.get(service.service) ?? service.revision),
  ]);
}

function serviceCells(
  { service, revision, openConnections, backends }: FleetService,
  latest: bigint,
): readonly string[] {
  const draining = backends
    .filter(({ state }) => state === BackendState.DRAINING)
    .map((backend) => `${backend.address} (${backend.openConnections} open)`);
  return [
    service,
    revision < latest ? `${revision} of ${latest}` : String(revision),
    String(openConnections),
    draining.join(", ") || "-",
  ];
}

/** Whoever has a lower revision has yet to apply what others have. */
function latestRevisions(proxies: readonly FleetProxy[]): ReadonlyMap<string, bigint> {
  const latest = new Map<string, bigint>();
  for (const { service, revision } of proxies.flatMap(({ services }) => services))
    if (revision > (latest.get(service) ?? -1n)) latest.set(service, revision);
  return latest;
}

/** As many characters as tell the ids apart. */
function shortLength(ids: readonly string[]): number {
  const isEnough = (length: number): boolean =>
    new Set(ids.map((id) => id.slice(0, length))).size === new Set(ids).size;
  let length = SHORTEST_ID;
  while (!isEnough(length)) length += 1;
  return length;
}
