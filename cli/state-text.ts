import { BackendState, type Backend, type Ledger, type ProxyInfo, type ServiceState } from "@seamless/sdk";
import { formatBytes } from "./byte-text.js";
import { deployStep } from "./deploy-text.js";
import { NO_ENDS } from "./drain-text.js";
import { enumWord } from "./enum-word.js";
import { formatHealth, formatHealthCheck } from "./health-text.js";
import { formatStore } from "./store-text.js";
import { formatTable } from "./table.js";
import { formatSpan } from "./time-text.js";

const NO_LEDGER: Ledger = {
  ends: NO_ENDS,
  leftEarly: 0n,
  connectFailed: 0n,
  holdExpired: 0n,
  refusedByLimit: 0n,
  refusals: undefined,
};

const HEAD = ["ADDRESS", "WEIGHT", "STATE", "OPEN", "TOTAL", "FAILED", "IN", "OUT", "NOTE"];
const NUMERIC = new Set([1, 3, 4, 5, 6, 7]);

/** A backend's state as one lower-case word. */
export function stateWord(state: BackendState): string {
  return enumWord(BackendState, state);
}

/** The list as a table, with its revision. */
export function formatState(state: ServiceState, nowMs: number): string {
  const { backends, revision, service } = state;
  const title = [`service ${service}, revision ${revision}`, ...notices(state, nowMs)].join("\n");
  if (backends.length === 0) return `${title}\nno backends\n`;
  return `${title}\n${formatTable([HEAD, ...backends.map(backendRow)], NUMERIC)}`;
}

/** What became of every connection, in one line each. */
export function formatLedger({ ledger = NO_LEDGER }: ServiceState): string {
  const { ends = NO_ENDS, connectFailed, holdExpired, refusedByLimit, leftEarly } = ledger;
  const { byClient, byBackend, cutByDrain, cutByShutdown, closedIdle } = ends;
  return formatTable([
    ["ended", `${byClient} by the client, ${byBackend} by the backend`],
    ["cut", `${cutByDrain} by a drain, ${cutByShutdown} by a shutdown; ${closedIdle} closed idle`],
    [
      "never served",
      `${connectFailed} connect failed, ${holdExpired} held too long, ${refusedByLimit} over a limit, ${leftEarly} left early`,
    ],
  ]);
}

/** How it is checked, and what is out of the ordinary. */
function notices(
  { healthCheck, pause, heldConnections, deploy }: ServiceState,
  nowMs: number,
): readonly string[] {
  const held = `${heldConnections} connections are held`;
  return [
    ...(healthCheck ? [formatHealthCheck(healthCheck)] : []),
    ...(pause ? [`paused: ${held}`] : heldConnections > 0 ? [`no backend can be connected: ${held}`] : []),
    ...(deploy && !deploy.verdict ? [`a deploy is under way: ${deployStep(deploy).text(nowMs)}`] : []),
  ];
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
  const uptime = formatSpan(nowMs - Number(proxy.startedUnixMs));
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
    ...(proxy.store ? [["store", formatStore(proxy.store, nowMs)]] : []),
    ...predecessorRow(proxy),
  ]);
}

function predecessorRow({ predecessor }: ProxyInfo): readonly (readonly string[])[] {
  if (!predecessor) return [];
  const { pid, version, openConnections: open } = predecessor;
  return [["replaced", `process ${pid} (version ${version}), where ${open} of the connections still are`]];
}

export function openConnections({ counters }: Backend): number {
  return counters?.activeConnections ?? 0;
}

function backendRow(backend: Backend): readonly string[] {
  const { address, weight, state, counters } = backend;
  return [
    address,
    String(weight),
    stateWord(state),
    String(openConnections(backend)),
    String(counters?.totalConnections ?? 0),
    String(counters?.failedConnects ?? 0),
    formatBytes(counters?.bytesIn ?? 0n),
    formatBytes(counters?.bytesOut ?? 0n),
    note(backend),
  ];
}

function note({ drain, error, health }: Backend): string {
  if (drain) return `${drain.openConnections} of ${drain.connectionsAtStart} connections left`;
  const told = error === health?.error ? "" : error;
  return [told, health ? formatHealth(health) : ""].filter(Boolean).join("; ");
}
