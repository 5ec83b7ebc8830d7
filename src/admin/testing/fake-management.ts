import type {
  ChangeResult,
  CreatedService,
  DeletedService,
  FleetView,
  ManagedService,
  Management,
  ProxyInfo,
  Upgraded,
  Watch,
} from "../../control/management.js";
import type { BackendView, ServiceState } from "../../control/service-state.js";
import { beginDeploy, type DeployStatus } from "../../control/deploy-status.js";
import type { Drain } from "../../control/drain.js";
import type { HistoryEntry } from "../../control/history.js";
import { createLatestFeed } from "../../control/latest-feed.js";
import { NO_LEDGER } from "../../control/ledger.js";
import type { StoreStatus } from "../../control/fleet.js";
import { createStateFeed } from "../../control/state-feed.js";
import { DEFAULT_SETTINGS } from "../../control/service-settings.js";
import { noRefusals } from "../../engine/refusals.js";
import { ProxyError } from "../../errors.js";

export type Ask =
  "service" | "createService" | "deleteService" | "proxyInfo" | "upgrade" | "fleet" | keyof ManagedService;

const IN_MEMORY = { kind: "memory", available: true, staleSinceUnixMs: undefined, error: "" } as const;

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
    healthCheck: undefined,
    pause: undefined,
    deploy: undefined,
    ledger: NO_LEDGER,
    heldConnections: 0,
    openConnections: 0,
    acceptedConnections: 0,
    refusals: noRefusals(),
    settings: DEFAULT_SETTINGS,
  };
  entries: readonly HistoryEntry[] = [];
  readonly deploys = createLatestFeed<DeployStatus>();
  deployStatus: DeployStatus = beginDeploy("one", [], 1_000, 1_700_000_000_000);
  drains: readonly Drain[] = [];
  readonly drainFeed = createLatestFeed<readonly Drain[]>();
  store: StoreStatus = IN_MEMORY;
  fleetView: FleetView = { self: "one", members: [], store: IN_MEMORY };
  readonly fleets = createLatestFeed<FleetView>();
  callersLeft = 0;
  readonly #feed = createStateFeed(() => this.present);
  readonly #service: ManagedService = {
    state: () => this.#answer("state", [], this.present),
    freshState: () => Promise.resolve(this.#answer("freshState", [], this.present)),
    set: (...request) => this.#changed("set", request),
    add: (...request) => this.#changed("add", request),
    remove: (...request) => this.#changed("remove", request),
    weigh: (...request) => this.#changed("weigh", request),
    undrain: (...request) => this.#changed("undrain", request),
    rollback: (...request) => this.#changed("rollback", request),
    pause: (...request) => this.#changed("pause", request),
    resume: (...request) => this.#changed("resume", request),
    setHealthCheck: (...request) => this.#changed("setHealthCheck", request),
    history: () => this.#answer("history", [], this.entries),
    changeDrain: (...request) => Promise.resolve(this.#answer("changeDrain", request, this.present)),
    watchDrains: (addresses, send) => {
      this.#answer("watchDrains", [addresses], undefined);
      return this.drainFeed.watch(this.drains, send);
    },
    deploy: async (request) => {
      await this.#changed("deploy", [request]);
      return {
        watch: (send) => this.deploys.watch(this.deployStatus, send),
        callerLeft: () => (this.callersLeft += 1),
      };
    },
    watchDeploy: (send) => {
      this.#answer("watchDeploy", [], undefined);
      return this.deploys.watch(this.deployStatus, send);
    },
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

  revisionOf(service: string): number | undefined {
    return service === "default" ? this.present.revision : undefined;
  }

  serviceNames(): readonly string[] {
    return ["default"];
  }

  createService(...request: Parameters<Management["createService"]>): Promise<CreatedService> {
    const created = { state: this.present, joinedList: true };
    return Promise.resolve(this.#answer("createService", request, created));
  }

  deleteService(...request: Parameters<Management["deleteService"]>): Promise<DeletedService> {
    const list = { removed: false, servedBy: ["two"] };
    return Promise.resolve(this.#answer("deleteService", request, { list }));
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
      predecessor: undefined,
      store: this.store,
    });
  }

  fleet(): FleetView {
    return this.#answer("fleet", [], this.fleetView);
  }

  watchFleet(send: (fleet: FleetView) => boolean): Watch {
    return this.fleets.watch(this.fleet(), send);
  }

  upgrade(...request: Parameters<Management["upgrade"]>): Promise<Upgraded> {
    return Promise.resolve(this.#answer("upgrade", request, { pid: 7, version: "1.2.4" }));
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
    counters: {
      activeConnections: 0,
      totalConnections: 0,
      failedConnects: 0,
      bytesIn: 0,
      bytesOut: 0,
      ends: NO_LEDGER.ends,
      connectTimes: { boundsS: [0.1], counts: [0, 0], sumS: 0 },
      lifeTimes: { boundsS: [0.1], counts: [0, 0], sumS: 0 },
    },
    health: undefined,
    ...extra,
  };
}
