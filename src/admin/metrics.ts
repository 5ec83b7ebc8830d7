import { collectDefaultMetrics, Counter, Gauge, Registry } from "prom-client";
import type { Management, ProxyInfo } from "../control/management.js";
import type { BackendView, ServiceState } from "../control/service-state.js";
import type { Principal } from "./access/principal.js";
import type { ManagementRefusals } from "./management-refusals.js";
import { histogram, type HistogramSample, type Labels } from "./metrics-histogram.js";
import { visibleProxy } from "./visible-proxy.js";

/**
 * The metrics in Prometheus' text format (names and units by its conventions). What the engines count is read when it is
 * asked for, so that no connection pays for it; the counters of a backend are gone once it is drained.
 */
export interface Metrics {
  readonly contentType: string;
  /**
   * @param principal who asks: he is told of the services that he may see, and of the process, whose load is that of all
   * services, only if those are all
   */
  text(principal: Pick<Principal, "services">): Promise<string>;
}

export function createMetrics(management: Management, refusals: ManagementRefusals): Metrics {
  const process = new Registry();
  collectDefaultMetrics({ register: process });
  return {
    contentType: process.contentType,
    async text(principal) {
      const registry = new Registry();
      const proxy = visibleProxy(management, principal);
      fillProxy(registry, proxy);
      fillStore(registry, management);
      const states = proxy.services.map((name) => management.service(name).state());
      fillServices(registry, states);
      fillBackends(registry, states);
      fillTimes(registry, states);
      const seesAll = principal.services === undefined;
      if (seesAll) fillRefusals(registry, refusals);
      return (seesAll ? Registry.merge([registry, process]) : registry).metrics();
    },
  };
}

type Sample = readonly [labels: Labels, value: number];
type CounterName = "activeConnections" | "totalConnections" | "failedConnects" | "bytesIn" | "bytesOut";

function gauge(registers: Registry, name: string, help: string, samples: readonly Sample[]): void {
  const labelNames = Object.keys(samples[0]?.[0] ?? {});
  const metric = new Gauge({ name, help, labelNames, registers: [registers] });
  for (const [labels, value] of samples) metric.set(labels, value);
}

function counter(registers: Registry, name: string, help: string, samples: readonly Sample[]): void {
  const labelNames = Object.keys(samples[0]?.[0] ?? {});
  const metric = new Counter({ name, help, labelNames, registers: [registers] });
  for (const [labels, value] of samples) metric.inc(labels, value);
}

function fillProxy(registry: Registry, proxy: ProxyInfo): void {
  const { version, engine, maxConnections, openConnections, shuttingDown } = proxy;
  gauge(registry, "seamless_build_info", "Version and engine; always 1.", [[{ version, engine }, 1]]);
  gauge(registry, "seamless_max_connections", "Most client connections at once.", [[{}, maxConnections]]);
  gauge(registry, "seamless_open_connections", "Client connections open, over all services.", [
    [{}, openConnections],
  ]);
  gauge(registry, "seamless_stopping", "1 once the proxy was told to stop.", [[{}, shuttingDown ? 1 : 0]]);
}

function fillRefusals(registry: Registry, refusals: ManagementRefusals): void {
  const samples = (["grpc", "http"] as const).flatMap((server) =>
    Array.from(refusals.of(server), ([cause, count]): Sample => [{ server, cause: wordOf(cause) }, count]),
  );
  counter(
    registry,
    "seamless_management_refused_total",
    "Connections and requests that management turned away.",
    samples,
  );
}

/** How many proxies there are is only a figure where there could be several. */
function fillStore(registry: Registry, management: Management): void {
  const { kind, available, staleSinceUnixMs: since } = management.proxyInfo().store;
  const staleS = since === undefined ? 0 : Math.max(Date.now() - since, 0) / 1_000;
  gauge(registry, "seamless_store_available", "1 if the lists can be changed where they live.", [
    [{ kind }, available ? 1 : 0],
  ]);
  gauge(
    registry,
    "seamless_store_stale_seconds",
    "Time since which other proxies may have changed the lists unnoticed; 0 if they are followed.",
    [[{ kind }, staleS]],
  );
  if (kind !== "etcd") return;
  gauge(registry, "seamless_fleet_proxies", "Live proxies that share the store, as this one knows them.", [
    [{}, management.fleet().members.length],
  ]);
}

function fillServices(registry: Registry, states: readonly ServiceState[]): void {
  const each = (value: (state: ServiceState) => number): readonly Sample[] =>
    states.map((state) => [{ service: state.service }, value(state)]);
  const split = (label: string, values: (state: ServiceState) => object): readonly Sample[] =>
    states.flatMap((state) =>
      Object.entries(values(state)).map(([name, value]): Sample => {
        return [{ service: state.service, [label]: wordOf(name) }, Number(value)];
      }),
    );
  gauge(
    registry,
    "seamless_service_revision",
    "Revision of the list.",
    each(({ revision }) => revision),
  );
  gauge(
    registry,
    "seamless_service_open_connections",
    "Client connections open.",
    each((s) => s.openConnections),
  );
  gauge(
    registry,
    "seamless_service_held_connections",
    "Client connections that wait for a backend.",
    each((s) => s.heldConnections),
  );
  gauge(
    registry,
    "seamless_service_paused",
    "1 while new connections are held.",
    each((s) => (s.pause ? 1 : 0)),
  );
  counter(
    registry,
    "seamless_connections_accepted_total",
    "Client connections.",
    each((s) => s.acceptedConnections),
  );
  counter(
    registry,
    "seamless_connections_ended_total",
    "Connections that had a backend, by what ended them.",
    split("cause", ({ ledger }) => ledger.ends),
  );
  counter(
    registry,
    "seamless_connections_unserved_total",
    "Connections that never had a backend, by cause.",
    split("cause", ({ ledger: { leftEarly, connectFailed, holdExpired } }) => {
      return { leftEarly, connectFailed, holdExpired };
    }),
  );
  counter(
    registry,
    "seamless_connections_refused_total",
    "Connections that were reset because of a limit.",
    split("limit", ({ refusals }) => refusals),
  );
}

function fillBackends(registry: Registry, states: readonly ServiceState[]): void {
  const each = (value: (backend: BackendView) => number): readonly Sample[] =>
    states.flatMap(({ service, backends }) =>
      backends.map((backend): Sample => [{ service, backend: backend.address }, value(backend)]),
    );
  const status = (wanted: BackendView["status"]): readonly Sample[] =>
    each((backend) => (backend.status === wanted ? 1 : 0));
  gauge(registry, "seamless_backend_active", "1 if the backend gets new connections.", status("active"));
  gauge(
    registry,
    "seamless_backend_draining",
    "1 if it is out of the list and has connections.",
    status("draining"),
  );
  gauge(registry, "seamless_backend_unhealthy", "1 if its checks fail.", status("unhealthy"));
  gauge(registry, "seamless_backend_ejected", "1 if connecting to it failed too often.", status("ejected"));
  gauge(
    registry,
    "seamless_backend_weight",
    "Its share of new connections.",
    each(({ weight }) => weight),
  );
  const counters = (name: CounterName): readonly Sample[] => each((backend) => backend.counters[name]);
  gauge(registry, "seamless_backend_open_connections", "Connections open.", counters("activeConnections"));
  counter(
    registry,
    "seamless_backend_connections_total",
    "Connections established.",
    counters("totalConnections"),
  );
  counter(
    registry,
    "seamless_backend_connect_failures_total",
    "Attempts to connect that failed.",
    counters("failedConnects"),
  );
  counter(
    registry,
    "seamless_backend_received_bytes_total",
    "Bytes from clients to the backend.",
    counters("bytesIn"),
  );
  counter(
    registry,
    "seamless_backend_sent_bytes_total",
    "Bytes from the backend to clients.",
    counters("bytesOut"),
  );
}

/** How long connecting to backends took, and how long their connections lasted. */
function fillTimes(registry: Registry, states: readonly ServiceState[]): void {
  const times = (name: "connectTimes" | "lifeTimes"): readonly HistogramSample[] =>
    states.flatMap(({ service, backends }) =>
      backends.map(({ address, counters }): HistogramSample => [
        { service, backend: address },
        counters[name],
      ]),
    );
  histogram(
    registry,
    "seamless_backend_connect_seconds",
    "Time until a connection to the backend was established.",
    times("connectTimes"),
  );
  histogram(
    registry,
    "seamless_backend_connection_duration_seconds",
    "Time from then until the connection ended.",
    times("lifeTimes"),
  );
}

/** `leftEarly` and `hold-limit` as labels' values are `left_early` and `hold_limit`. */
function wordOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replaceAll("-", "_");
}
