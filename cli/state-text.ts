import { BackendState, type Backend, type ProxyInfo, type ServiceState } from "@seamless/sdk";
import { formatTable } from "./table.js";

const HEAD = ["ADDRESS", "WEIGHT", "STATE", "OPEN", "TOTAL", "FAILED", "IN", "OUT", "NOTE"];
const NUMERIC = new Set([1, 3, 4, 5, 6, 7]);
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

const STATE_WORDS = new Map<number, string>(
  Object.entries(BackendState).map(([word, number]) => [number, word.toLowerCase()]),
);

/** A backend's state as one lower-case word. */
export function stateWord(state: BackendState): string {
  return STATE_WORDS.get(state) ?? "unknown";
}

/** The list as a table, with its revision. */
export function formatState({ backends, revision, service }: ServiceState): string {
  const title = `service ${service}, revision ${revision}\n`;
  if (backends.length === 0) return `${title}no backends\n`;
  return title + formatTable([HEAD, ...backends.map(backendRow)], NUMERIC);
}

/** One line: when, which revision, and each backend with its state and open connections. */
export function formatStateLine({ backends, revision }: ServiceState, now: Date): string {
  const parts = backends.map((backend) => {
    const weight = backend.weight === 1 ? "" : `=${backend.weight}`;
    return `${backend.address}${weight} ${stateWord(backend.state)} open=${openConnections(backend)}`;
  });
  return `${now.toISOString()} revision ${revision}: ${parts.join(", ") || "no backends"}\n`;
}

export function formatProxy(proxy: ProxyInfo, listenAddresses: readonly string[], nowMs: number): string {
  const uptime = formatSeconds(Math.max(Math.round((nowMs - Number(proxy.startedUnixMs)) / 1_000), 0));
  const state = proxy.shuttingDown ? "stopping: no new connections, the open ones may end" : "serving";
  return formatTable([
    ["proxy", `seamless ${proxy.version}, engine ${proxy.engine}`],
    ["state", `${state}, up ${uptime}`],
    ["listening", listenAddresses.join(", ")],
    [
      "connections",
      `${proxy.openConnections} open of at most ${proxy.maxConnections}, ${proxy.acceptedConnections} accepted`,
    ],
    [
      "not served",
      `${proxy.refusedConnections} over the limit, ${proxy.unservedConnections} without a backend`,
    ],
    ["services", proxy.services.join(", ")],
  ]);
}

export function openConnections({ counters }: Backend): number {
  return counters?.activeConnections ?? 0;
}

function backendRow(backend: Backend): readonly string[] {
  const { address, weight, state, counters, drain, error } = backend;
  return [
    address,
    String(weight),
    stateWord(state),
    String(openConnections(backend)),
    String(counters?.totalConnections ?? 0),
    String(counters?.failedConnects ?? 0),
    formatBytes(counters?.bytesIn ?? 0n),
    formatBytes(counters?.bytesOut ?? 0n),
    drain ? `${drain.openConnections} of ${drain.connectionsAtStart} connections left` : error,
  ];
}

function formatBytes(bytes: bigint): string {
  let value = Number(bytes);
  let unit = 0;
  // From here on one decimal would round up to 1024.0.
  while (value >= 1023.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${BYTE_UNITS[unit] ?? ""}`;
}

function formatSeconds(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
