import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { Endpoint, ListenAddress } from "../engine/engine.js";
import { parseBackends, setBackends } from "./backend-list.js";
import { BackendResolution } from "./backend-resolution.js";
import { createDestinationPolicy } from "./destination-policy.js";
import { NameResolver } from "./name-resolver.js";
import type { ServiceConfig } from "./service-config.js";

export interface DestinationsOptions {
  /** Where the services listen. */
  readonly listening: () => readonly ListenAddress[];
  /** The addresses of a name have changed. */
  readonly onChange: (name: string) => void;
}

/** Where connections may go: the look-ups that all services share, and the addresses that are our own. */
export class Destinations {
  readonly resolution: BackendResolution;
  readonly #listening: DestinationsOptions["listening"];
  readonly #resolver: NameResolver;
  readonly #management: Endpoint[] = [];
  /** Where services that are being opened are to listen. */
  #opening: readonly ListenAddress[] = [];

  constructor({ listening, onChange }: DestinationsOptions) {
    this.#listening = listening;
    this.#resolver = new NameResolver({
      lookup: (name) => lookup(name, { all: true, verbatim: true }),
      onChange,
    });
    const policy = createDestinationPolicy({
      ownEndpoints: () => this.#ownEndpoints(),
      localAddresses: () =>
        Object.values(networkInterfaces()).flatMap(
          (addresses) => addresses?.map(({ address }) => address) ?? [],
        ),
    });
    this.resolution = new BackendResolution(this.#resolver, policy);
  }

  /** From now on no backend may be there. */
  reserve(endpoint: Endpoint): void {
    if (endpoint.port !== 0) this.#management.push(endpoint);
  }

  /** As long as it takes, no backend may be where services are to listen. One at a time. */
  async whileOpening<T>(listen: readonly ListenAddress[], act: () => Promise<T>): Promise<T> {
    this.#opening = listen;
    try {
      return await act();
    } finally {
      this.#opening = [];
    }
  }

  /** @throws ProxyError INVALID_ADDRESS, FORBIDDEN_BACKEND */
  async check({ backends, settings }: ServiceConfig): Promise<void> {
    const list = setBackends([], parseBackends(backends));
    await this.resolution.admit(list, settings.resolveWaitMs);
    this.resolution.release(list);
  }

  close(): void {
    this.#resolver.close();
  }

  #ownEndpoints(): readonly Endpoint[] {
    const ports = [...this.#listening(), ...this.#opening].filter((address) => "port" in address);
    return [...this.#management, ...ports.filter(({ port }) => port !== 0)];
  }
}
