import type { ChangeResult, ManagedService, Management, ProxyInfo } from "../../control/management.js";
import type { BackendView, ServiceState } from "../../control/service-state.js";
import { createStateFeed } from "../../control/state-feed.js";
import { ProxyError } from "../../errors.js";

export type Ask = "service" | "proxyInfo" | "state" | "set" | "add" | "remove" | "watch";

/** A control plane that only remembers: what is asked of it, and one list that every change replaces. */
export class FakeManagement implements Management {
  readonly asked: (readonly [Ask, ...unknown[]])[] = [];
  /** Runs before each answer; what it throws, the asker gets, and what it returns is awaited where that is possible. */
  onAsk: (ask: Ask) => unknown = () => undefined;
  present: ServiceState = {
    service: "default",
    instanceId: "one",
    revision: 1,
    sequence: 1,
    backends: [],
    listenAddresses: ["127.0.0.1:8080"],
  };
  readonly #feed = createStateFeed(() => this.present);
  readonly #service: ManagedService = {
    state: () => this.#answer("state", [], this.present),
    set: (...request) => this.#changed("set", request),
    add: (...request) => this.#changed("add", request),
    remove: (...request) => this.#changed("remove", request),
    watch: (after, send) => {
      this.#answer("watch", [after], undefined);
      return this.#feed.watch(after, send);
    },
  };

  get watchers(): number {
    return this.#feed.watchers;
  }

  service(name: string): ManagedService {
    this.#answer("service", [name], undefined);
    if (name === "" || name === "default") return this.#service;
    throw new ProxyError("SERVICE_NOT_FOUND", `service '${name}' not found`);
  }

  proxyInfo(): ProxyInfo {
    return this.#answer("proxyInfo", [], {
      version: "1.2.3",
      engine: "fake",
      startedUnixMs: 1_700_000_000_000,
      openConnections: 1,
      maxConnections: 2,
      acceptedConnections: 3,
      refusedConnections: 4,
      unservedConnections: 5,
      shuttingDown: false,
      services: ["default"],
    });
  }

  /** A new revision with these backends, for the watchers too. */
  publish(backends: readonly BackendView[] = this.present.backends): void {
    const { revision, sequence } = this.present;
    this.present = { ...this.present, revision: revision + 1, sequence: sequence + 1, backends };
    this.#feed.publish(this.present);
  }

  #answer<T>(ask: Ask, request: readonly unknown[], answer: T): T {
    this.asked.push([ask, ...request]);
    this.onAsk(ask);
    return answer;
  }

  // Not `async`: what `onAsk` throws is to be thrown, not turned into a rejection.
  #changed(ask: Ask, request: readonly unknown[]): Promise<ChangeResult> {
    this.asked.push([ask, ...request]);
    const before = Promise.resolve(this.onAsk(ask));
    return before.then(() => {
      this.publish();
      return { state: this.present, changed: true };
    });
  }
}

export function fakeBackend(address: string, extra: Partial<BackendView> = {}): BackendView {
  return {
    address,
    weight: 1,
    status: "active",
    resolvedAddresses: ["127.0.0.1"],
    error: "",
    counters: { activeConnections: 0, totalConnections: 0, failedConnects: 0, bytesIn: 0, bytesOut: 0 },
    ...extra,
  };
}
