import type {
  Endpoint,
  EngineEvent,
  InheritedSocket,
  ListenAddress,
  Listener,
  TargetCounters,
} from "../engine/engine.js";
import { formatListenAddress } from "../listen-address.js";
import type { ProxyProtocol } from "../proxy-header.js";
import { createSampledLog } from "../log-sampler.js";
import type { Logger } from "../logger.js";
import type { BackendList } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import { viewDraining, viewListed } from "./backend-view.js";
import type { Checker } from "./checker.js";
import { ConnectionLog } from "./connection-log.js";
import { DeployDesk } from "./deploy-desk.js";
import type { DeployStatus } from "./deploy-status.js";
import { DrainKeeper } from "./drain-keeper.js";
import { FleetPart } from "./fleet-part.js";
import type { Fleet } from "./fleet.js";
import { followRecord } from "./follow-record.js";
import { drainEnds, drainOfThePast, type Drain } from "./drain.js";
import type { HandedService } from "./handed-service.js";
import type { HealthCheck } from "./health-check.js";
import { UNKNOWN } from "./health.js";
import { HealthMonitor } from "./health-monitor.js";
import { ledgerOf } from "./ledger.js";
import { ListChanger, toRecord } from "./list-changer.js";
import type { ChangeResult } from "./management.js";
import { RecordKeeper, type Persist } from "./record-keeper.js";
import { createPatientCommit } from "./patient-commit.js";
import { Router } from "./router.js";
import type { ServiceDefinition, ServiceRecord } from "./service-record.js";
import type { ServiceSettings } from "./service-settings.js";
import type { Version } from "./shared-service.js";
import type { ServiceState } from "./service-state.js";
import { createStateFeed } from "./state-feed.js";

/** Listening sockets that the process was given for a service. */
export interface InheritedSockets {
  has(address: ListenAddress): boolean;
  /** Each is given out once. */
  take(address: ListenAddress): InheritedSocket | undefined;
}

export interface ServiceOptions {
  readonly listen: readonly ListenAddress[];
  readonly inherited?: InheritedSockets | undefined;
  /** From the process before. */
  readonly handed?: HandedService | undefined;
  readonly settings: ServiceSettings;
  readonly resolution: BackendResolution;
  readonly checker: Checker;
  readonly persist: Persist;
  /** The proxies that the record is shared with, and what was seen of it there. */
  readonly shared?: { readonly fleet: Fleet; readonly version: Version } | undefined;
  readonly logger: Logger;
  /** Most lines a second of one kind about connections; 0: no limit. */
  readonly logRate: number;
}

/**
 * The parts of a service, and what passes between them: engine events go to the drains, checks and ejections; those
 * that matter to the routing go to the router; and whatever is visible is published to the watchers.
 *
 * What happens by itself (a look-up, a check, an ejection, its end) rebuilds the routing table from the present list
 * and raises only the sequence, not the revision.
 */
export class ServiceCore {
  readonly listener: Listener;
  readonly keeper: RecordKeeper;
  readonly router: Router;
  readonly drains: DrainKeeper;
  readonly monitor: HealthMonitor;
  readonly changer: ListChanger;
  readonly deploys: DeployDesk;
  /** Undefined: this proxy is alone, or the service has not started. */
  fleetPart: FleetPart | undefined;
  readonly feed = createStateFeed(() => this.state());
  /** See `Service.followEmptied`. */
  onEmptied: (id: string, counters: TargetCounters) => void = () => undefined;
  readonly #options: ServiceOptions;
  readonly #logger: Logger;
  readonly #connectionLog: ConnectionLog;
  #settings: ServiceSettings;
  #sequence: number;

  constructor(record: ServiceRecord, options: ServiceOptions, listener: Listener) {
    const { settings, resolution, logger, logRate } = options;
    this.#options = options;
    this.#settings = settings;
    this.listener = listener;
    this.#logger = logger.child({ service: record.name });
    const sampled = createSampledLog(this.#logger, { now: () => performance.now(), perSecond: logRate });
    this.#connectionLog = new ConnectionLog(sampled);
    this.#sequence = record.sequenceBase;
    this.keeper = this.#createKeeper(record);
    this.monitor = this.#createMonitor(
      record.healthCheck,
      () => this.keeper.list,
      (id, turned) => this.#onChecked(id, turned),
    );
    this.router = new Router({
      listener,
      resolution,
      settings: () => this.#settings,
      isUnhealthy: (id) => this.monitor.isUnhealthy(id),
      list: () => this.keeper.list,
      onReroute: () => this.publish(),
      onError: (error) =>
        this.#logger.error({ event: "apply-failed", err: error }, "the engine refused a routing table"),
    });
    this.drains = new DrainKeeper({
      listener,
      tickMs: settings.drainProgressMs,
      onProgress: () => this.publish(),
      onEnded: (drain) => this.#onDrainEnded(drain),
    });
    this.changer = new ListChanger({
      listener,
      resolution,
      resolveWaitMs: settings.resolveWaitMs,
      keeper: this.keeper,
      router: this.router,
      monitor: this.monitor,
      drains: this.drains,
      knownHealth: () => this.deploys.status?.candidates ?? [],
      tell: (changed, facts, text) => this.tell(changed, facts, text),
      ledgerBefore: options.handed?.ledgerBefore,
    });
    this.deploys = this.#createDeployDesk();
  }

  async start(): Promise<void> {
    const { pause, drains } = this.keeper.present;
    const { list } = this.keeper;
    const { handed } = this.#options;
    if (handed) this.drains.resume(handed.drains);
    else this.drains.remember(drains.map((drain) => drainOfThePast(drain, Date.now())));
    if (pause) this.listener.pause({ holdMs: pause.holdLimitMs, maxHeld: pause.maxHeld });
    this.monitor.follow(
      list.map(({ id }) => id),
      (id) => handed?.health[id],
    );
    await this.router.apply({ restart: true });
    if (!pause) this.listener.resume(0);
    this.fleetPart = this.#createFleetPart();
    this.publish();
  }

  #createKeeper(record: ServiceRecord): RecordKeeper {
    const { persist, shared } = this.#options;
    if (!shared) return new RecordKeeper({ record, persist });
    const { fleet, version } = shared;
    return new RecordKeeper({
      record,
      persist,
      shared: {
        copy: fleet.copyOf(record.name),
        version,
        self: fleet.self,
        ledger: () => this.changer.ledgerOfRevision(),
        follow: async (before, after) => {
          await followRecord(this, before, after);
          this.publish();
        },
      },
    });
  }

  #createFleetPart(): FleetPart | undefined {
    const { shared, resolution, settings } = this.#options;
    if (!shared) return undefined;
    return new FleetPart({
      fleet: shared.fleet,
      keeper: this.keeper,
      changer: this.changer,
      drains: this.drains,
      resolution,
      resolveWaitMs: settings.resolveWaitMs,
      createMonitor: (check, backends, onChecked) => this.#createMonitor(check, () => backends, onChecked),
      onChecked: () => this.publish(),
      logger: this.#logger,
    });
  }

  handed(): HandedService {
    const { list } = this.keeper;
    const health = list.flatMap(({ id }) => {
      const known = this.monitor.health(id);
      return known ? [[id, known] as const] : [];
    });
    return {
      drains: this.drains.running,
      health: Object.fromEntries(health),
      ledgerBefore: this.changer.ledgerBefore,
    };
  }

  /** @throws ProxyError LISTEN_FAILED; then nothing has changed */
  async redefine({ listen, settings }: ServiceDefinition): Promise<void> {
    await this.listener.listenAt(listen);
    this.listener.configure(settings);
    this.#settings = settings;
    this.router.reroute();
    this.publish();
  }

  /** The addresses of a name have changed. */
  nameChanged(name: string): void {
    if (this.keeper.list.some(({ address }) => address.host === name)) this.router.reroute();
  }

  state(): ServiceState {
    const { name, instanceId, revision, pause, healthCheck } = this.keeper.present;
    const { list } = this.keeper;
    const { resolution } = this.#options;
    const [listener, router, monitor] = [this.listener, this.router, this.monitor];
    const sources = { listener, router, resolution, monitor };
    const totals = this.listener.totals();
    return {
      service: name,
      instanceId,
      revision,
      sequence: this.#sequence,
      backends: [
        ...list.map((backend) => viewListed(backend, sources)),
        ...this.drains.running.map((drain) => viewDraining(drain, sources)),
      ],
      listenAddresses: this.listener.addresses.map(formatListenAddress),
      healthCheck,
      pause,
      deploy: this.deploys.status,
      ledger: ledgerOf(totals),
      heldConnections: totals.heldConnections,
      openConnections: totals.openConnections,
      acceptedConnections: totals.acceptedConnections,
      refusals: totals.refusals,
      settings: { ...this.#settings, healthCheck },
    };
  }

  /** Says what has changed, if anything has, to the log and the watchers. */
  tell(changed: boolean, facts: object, text: string): ChangeResult {
    if (changed) {
      this.#logger.info(facts, text);
      this.publish();
    }
    return { state: this.state(), changed };
  }

  publish(): void {
    this.#sequence += 1;
    this.feed.publish(this.state());
  }

  onEngineEvent(event: EngineEvent): void {
    switch (event.type) {
      case "connect-failed":
        this.#connectionLog.connectFailed(event);
        this.#onConnectFailed(event.target, event.code, event.consecutive);
        break;
      case "connect-recovered":
        this.router.connectRecovered(event.target);
        break;
      case "drained":
        this.drains.emptied(event.target, event.counters);
        this.onEmptied(event.target, event.counters);
        break;
      case "refused":
        this.#connectionLog.refused(event);
        break;
      case "ended":
        this.#connectionLog.ended(event);
        break;
    }
  }

  #onConnectFailed(id: string, code: string, consecutive: number): void {
    const backend = this.keeper.list.find((listed) => listed.id === id);
    if (!backend) return;
    this.#options.resolution.refresh(backend);
    this.monitor.checkSoon(id);
    this.router.connectFailed(id, code, consecutive);
  }

  #onChecked(id: string, turned: boolean): void {
    if (!turned) return;
    const { state, error } = this.monitor.health(id) ?? UNKNOWN;
    this.#logger.info({ event: "checked", backend: id, state, reason: error }, "health changed");
    this.router.reroute();
  }

  #onDrainEnded(drain: Drain): void {
    const { id, state, connectionsAtStart } = drain;
    const outcome = state.phase === "ended" ? state.outcome : undefined;
    const safe = outcome === "taken-back" ? "is in the list again" : "drained: safe to stop";
    const facts = { event: "drained", backend: id, outcome, connectionsAtStart, ends: drainEnds(drain) };
    this.#logger.info(facts, safe);
    // Only so that a restart does not take it for one under way; if that can't be stored, no harm is done.
    const note = this.keeper.note((record) => ({ ...record, drains: this.drains.running.map(toRecord) }));
    note.catch(() => undefined);
    this.publish();
  }

  #createMonitor(
    check: HealthCheck | undefined,
    backends: () => BackendList,
    onChecked: (id: string, turned: boolean) => void,
  ): HealthMonitor {
    const { checker, resolution } = this.#options;
    const endpoints = (id: string): readonly Endpoint[] => {
      const backend = backends().find((each) => each.id === id);
      return backend
        ? resolution.addresses(backend).map((host) => ({ host, port: backend.address.port }))
        : [];
    };
    const sendProxy = (): ProxyProtocol => this.#settings.sendProxy;
    return new HealthMonitor({ checker, endpoints, sendProxy, onChecked }, check);
  }

  #createDeployDesk(): DeployDesk {
    const { resolution, settings, shared } = this.#options;
    const changer = this.changer;
    return new DeployDesk({
      host: {
        present: () => this.keeper.present,
        drains: this.drains,
        listener: this.listener,
        commit: createPatientCommit({
          present: () => this.keeper.present,
          refresh: () => this.keeper.refresh(),
          commit: async ({ list, trial, ...change }) => {
            const { state } = await changer.change({ ...change, edit: () => list, trial: { of: trial } });
            return state.revision;
          },
        }),
        createMonitor: (check, backends, onChecked) => this.#createMonitor(check, () => backends, onChecked),
      },
      service: this.keeper.present.name,
      fleet: shared && {
        fleet: shared.fleet,
        limitDrains: (ids, limits) => this.fleetPart?.limitDrains(ids, limits),
      },
      resolution,
      resolveWaitMs: settings.resolveWaitMs,
      onPhase: (status) => this.#onDeployPhase(status),
    });
  }

  #onDeployPhase({ id: deploy, phase, percent, revision, verdict }: DeployStatus): void {
    this.#logger.info({ event: "deploy", deploy, phase, percent, revision, ...verdict }, "deploy");
    this.publish();
  }
}
