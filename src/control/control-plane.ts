import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { CloseReport, Endpoint, Engine } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { BackendResolution } from "./backend-resolution.js";
import { createDestinationPolicy } from "./destination-policy.js";
import type { BackendRequest, Management, ProxyInfo } from "./management.js";
import { NameResolver } from "./name-resolver.js";
import { Service } from "./service.js";
import type { ServiceSettings } from "./service-settings.js";

export interface ControlPlaneOptions {
  readonly engine: Engine;
  readonly version: string;
  readonly instanceId: string;
  readonly logger: Logger;
}

export interface ServiceDefinition {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly backends: readonly BackendRequest[];
  readonly settings: ServiceSettings;
}

export const DEFAULT_SERVICE = "default";

/** The services of the proxy and what they share: the engine, the look-ups, and the addresses that are our own. */
export class ControlPlane implements Management {
  readonly #options: ControlPlaneOptions;
  readonly #startedUnixMs = Date.now();
  readonly #services = new Map<string, Service>();
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

  async openService({ name, endpoint, backends, settings }: ServiceDefinition): Promise<Service> {
    this.reserve(endpoint);
    const { engine, instanceId, logger } = this.#options;
    const options = { name, instanceId, endpoint, settings, resolution: this.#resolution, logger };
    const service = await Service.open(engine, backends, options);
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
    const sum = (key: keyof (typeof totals)[number]): number =>
      totals.reduce((total, each) => total + each[key], 0);
    return {
      version,
      engine: engine.name,
      startedUnixMs: this.#startedUnixMs,
      openConnections: sum("openConnections"),
      maxConnections: engine.maxConnections,
      acceptedConnections: sum("acceptedConnections"),
      refusedConnections: sum("refusedConnections"),
      unservedConnections: sum("unservedConnections"),
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
}
