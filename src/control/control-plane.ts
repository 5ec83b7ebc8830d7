import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { CloseReport, Endpoint, Engine, ListenerTotals } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { parseBackends, setBackends } from "./backend-list.js";
import { BackendResolution } from "./backend-resolution.js";
import type { Checker } from "./checker.js";
import { createDestinationPolicy } from "./destination-policy.js";
import { NO_LEDGER } from "./ledger.js";
import type { BackendRequest, Management, ProxyInfo } from "./management.js";
import { NameResolver } from "./name-resolver.js";
import { createSerialQueue } from "./serial-queue.js";
import { newRecord, resumeRecord, type ServiceRecord } from "./service-record.js";
import { Service } from "./service.js";
import type { ServiceSettings } from "./service-settings.js";

export interface ControlPlaneOptions {
  readonly engine: Engine;
  readonly version: string;
  readonly instanceId: string;
  readonly checker: Checker;
  /** Makes the records of all services last. */
  readonly save: (records: readonly ServiceRecord[]) => Promise<void>;
  readonly logger: Logger;
}

export interface ServiceDefinition {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly settings: ServiceSettings;
  /** What the service is to begin with: a list, or what was saved. */
  readonly start: { readonly backends: readonly BackendRequest[] } | { readonly saved: ServiceRecord };
}

export const DEFAULT_SERVICE = "default";

/** The services of the proxy and what they share: the engine, the look-ups, and the addresses that are our own. */
export class ControlPlane implements Management {
  readonly #options: ControlPlaneOptions;
  readonly #startedUnixMs = Date.now();
  readonly #services = new Map<string, Service>();
  readonly #records = new Map<string, ServiceRecord>();
  readonly #inTurn = createSerialQueue();
  readonly #ownEndpoints: Endpoint[] = [];
  readonly #resolver = new NameResolver({
    lookup: (name) => lookup(name, { all: true, verbatim: true }),
    onChange: (name) => this.#services.forEach((service) => service.nameChanged(name)),
  });
  readonly #resolution = new BackendResolution(
    this.#resolver,
    createDestinationPolicy({
      ownEndpoints: () => this.#ownEndpoints,
      localAddresses: () =>
        Object.values(networkInterfaces()).flatMap(
          (addresses) => addresses?.map(({ address }) => address) ?? [],
        ),
    }),
  );
  #shuttingDown = false;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  /** From now on no backend may be there. */
  reserve(endpoint: Endpoint): void {
    if (endpoint.port !== 0) this.#ownEndpoints.push(endpoint);
  }

  /** @throws ProxyError LISTEN_FAILED, STORE_FAILED, INVALID_ADDRESS, FORBIDDEN_BACKEND */
  async openService({ name, endpoint, settings, start }: ServiceDefinition): Promise<Service> {
    this.reserve(endpoint);
    const { engine, instanceId, checker, logger } = this.#options;
    const { healthCheck } = settings;
    const now = Date.now();
    const record =
      "saved" in start
        ? resumeRecord(start.saved, now, NO_LEDGER)
        : newRecord({ name, instanceId, healthCheck }, setBackends([], parseBackends(start.backends)), now);
    const persist = (next: ServiceRecord): Promise<void> => this.#persist(next);
    const options = { endpoint, settings, resolution: this.#resolution, checker, persist, logger };
    const service = await Service.open(engine, record, options);
    this.reserve(service.endpoint);
    this.#services.set(name, service);
    return service;
  }

  service(name: string): Service {
    const service = this.#services.get(name === "" ? DEFAULT_SERVICE : name);
    if (service) return service;
    const known = [...this.#services.keys()].sort().join(", ");
    throw new ProxyError("SERVICE_NOT_FOUND", `service '${name}' not found; there is: ${known}`);
  }

  proxyInfo(): ProxyInfo {
    const { engine, version } = this.#options;
    const totals = [...this.#services.values()].map((service) => service.totals);
    const sum = (count: (each: ListenerTotals) => number): number =>
      totals.reduce((total, each) => total + count(each), 0);
    return {
      version,
      engine: engine.name,
      startedUnixMs: this.#startedUnixMs,
      openConnections: sum(({ openConnections }) => openConnections),
      maxConnections: engine.maxConnections,
      acceptedConnections: sum(({ acceptedConnections }) => acceptedConnections),
      refusedConnections: sum(({ refusedByLimit }) => refusedByLimit),
      unservedConnections: sum(({ connectFailed, holdExpired }) => connectFailed + holdExpired),
      shuttingDown: this.#shuttingDown,
      services: [...this.#services.keys()].sort(),
    };
  }

  /** Stops accepting and taking changes; open connections have `graceMs` to end. */
  async close(graceMs: number): Promise<CloseReport> {
    this.#shuttingDown = true;
    const reports = await Promise.all([...this.#services.values()].map((service) => service.close(graceMs)));
    this.#resolver.close();
    return {
      ended: reports.reduce((sum, { ended }) => sum + ended, 0),
      cut: reports.reduce((sum, { cut }) => sum + cut, 0),
    };
  }

  destroy(): void {
    for (const service of this.#services.values()) service.destroy();
  }

  /** All services are saved together, so one save at a time. */
  #persist(record: ServiceRecord): Promise<void> {
    return this.#inTurn(async () => {
      const next = new Map(this.#records).set(record.name, record);
      await this.#options.save([...next.values()]);
      this.#records.set(record.name, record);
    });
  }
}
