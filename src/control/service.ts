import { isDeepStrictEqual } from "node:util";
import type {
  CloseReport,
  Engine,
  EngineEvent,
  ListenAddress,
  Listener,
  ListenerTotals,
  TargetCounters,
} from "../engine/engine.js";
import { addBackends, parseBackends, removeBackends, setBackends, weighBackends } from "./backend-list.js";
import type { BackendList } from "./backend-list.js";
import type { DeployStatus } from "./deploy-status.js";
import type { MemberService } from "./fleet.js";
import type { HandedService } from "./handed-service.js";
import { checkDrainLimits, type Drain, type DrainLimits } from "./drain.js";
import { watchDrains } from "./drain-watch.js";
import { completeHealthCheck, sameHealthCheck, type HealthCheckRequest } from "./health-check.js";
import { listToRollBackTo, type HistoryEntry } from "./history.js";
import { ProxyError } from "../errors.js";
import { completeOptions } from "./list-changer.js";
import type {
  BackendRequest,
  ChangeOptions,
  ChangeResult,
  DeployRequest,
  ManagedService,
  PauseRequest,
  StartedDeploy,
  Watch,
} from "./management.js";
import { DEFAULT_PACE_PER_SECOND, pauseWith } from "./pause.js";
import type { ServiceConfig } from "./service-config.js";
import { ServiceCore, type ServiceOptions } from "./service-core.js";
import type { ServiceRecord } from "./service-record.js";
import { requireCheckable } from "./service-settings.js";
import type { ServiceState, WatchPosition } from "./service-state.js";

/** Only storing the record can take time, on a disk that is stuck. */
const START_LIMIT_MS = 30_000;
const EDITS = { set: setBackends, add: addBackends, remove: removeBackends, weight: weighBackends } as const;

/** One listening address with its list: what may be asked of it. `list-changer.ts` has the order of a change. */
export class Service implements ManagedService {
  readonly #core: ServiceCore;
  /** Where it is to listen, as long as a socket that the process was given waits for that. */
  #awaiting: readonly ListenAddress[];

  private constructor(core: ServiceCore, awaiting: readonly ListenAddress[]) {
    this.#core = core;
    this.#awaiting = awaiting;
  }

  /**
   * Looks up the names of the list, binds, stores the record, and routes. Clients that come in between are held until
   * there is a route. Sockets that the process was given wait for `enter`.
   */
  static async open(engine: Engine, record: ServiceRecord, options: ServiceOptions): Promise<Service> {
    const { listen, inherited, settings, resolution, persist } = options;
    await resolution.admit(record.list, settings.resolveWaitMs);
    let report: (event: EngineEvent) => void = () => undefined;
    const listener = await engine.listen({
      ...settings,
      addresses: [],
      ...(inherited && { inherited: (address) => inherited.take(address) }),
      report: (event) => report(event),
    });
    listener.pause({ holdMs: START_LIMIT_MS, maxHeld: settings.maxHeld });
    const own = listen.filter((address) => !inherited?.has(address));
    try {
      await listener.listenAt(own);
      await persist(record);
    } catch (error) {
      listener.destroy();
      throw error;
    }
    const core = new ServiceCore(record, options, listener);
    report = (event) => core.onEngineEvent(event);
    await core.start();
    return new Service(core, own.length === listen.length ? [] : listen);
  }

  /** Accepts also at the sockets that the process was given. @throws ProxyError LISTEN_FAILED */
  async enter(): Promise<void> {
    if (this.#awaiting.length === 0) return;
    await this.#core.listener.listenAt(this.#awaiting);
    this.#awaiting = [];
    this.#core.publish();
  }

  /** Where it listens, or is about to. */
  get addresses(): readonly ListenAddress[] {
    return [...this.#core.listener.addresses, ...this.#awaiting];
  }

  get listener(): Listener {
    return this.#core.listener;
  }

  get totals(): ListenerTotals {
    return this.#core.listener.totals();
  }

  set(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult> {
    return this.#edit("set", backends, options);
  }

  add(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult> {
    return this.#edit("add", backends, options);
  }

  remove(addresses: readonly string[], options?: ChangeOptions): Promise<ChangeResult> {
    return this.#edit("remove", addresses.map(toRequest), options);
  }

  weigh(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult> {
    return this.#edit("weight", backends, options);
  }

  async undrain(addresses: readonly string[], options: ChangeOptions = {}): Promise<ChangeResult> {
    const wanted = parseBackends(addresses.map(toRequest));
    const edit = (list: BackendList): BackendList => {
      const weighed = wanted.map((backend) => {
        return { ...backend, weight: this.#core.drains.requireRunning(backend.id).weight };
      });
      return addBackends(list, weighed);
    };
    return this.#core.changer.change({ verb: "undrain", edit, ...completeOptions(options) });
  }

  async rollback(revision: number | undefined, options: ChangeOptions = {}): Promise<ChangeResult> {
    const edit = (list: BackendList): BackendList =>
      listToRollBackTo(this.#core.keeper.present.history, list, revision);
    return this.#core.changer.change({ verb: "rollback", edit, ...completeOptions(options) });
  }

  history(): readonly HistoryEntry[] {
    const { history } = this.#core.keeper.present;
    const ledger = this.#core.changer.ledgerOfRevision();
    return history.map((entry, i) => (i === history.length - 1 ? { ...entry, ledger } : entry)).reverse();
  }

  async changeDrain(addresses: readonly string[], limits: DrainLimits): Promise<ServiceState> {
    const ids = parseBackends(addresses.map(toRequest)).map(({ id }) => id);
    checkDrainLimits(limits);
    return this.#core.keeper.inTurn(() => {
      this.#core.drains.limit(ids, limits);
      return Promise.resolve(this.state());
    });
  }

  watchDrains(addresses: readonly string[], send: (drains: readonly Drain[]) => boolean): Watch {
    const ids = addresses.length === 0 ? [] : parseBackends(addresses.map(toRequest)).map(({ id }) => id);
    return watchDrains(this.#core.drains, ids, send);
  }

  pause(request: PauseRequest): Promise<ChangeResult> {
    return this.#core.keeper.change((record) => {
      const pause = pauseWith(record.pause, request, Date.now());
      const changed = pause !== record.pause;
      const { holdLimitMs, maxHeld } = pause;
      return {
        next: changed ? { ...record, pause } : record,
        effect: () => {
          this.#core.listener.pause({ holdMs: holdLimitMs, maxHeld });
          return this.#core.tell(
            changed,
            { event: "paused", holdLimitMs, maxHeld },
            "new connections are held",
          );
        },
      };
    });
  }

  resume(pacePerSecond = DEFAULT_PACE_PER_SECOND): Promise<ChangeResult> {
    return this.#core.keeper.change((record) => {
      const changed = record.pause !== undefined;
      return {
        next: changed ? { ...record, pause: undefined } : record,
        effect: () => {
          const held = this.totals.heldConnections;
          if (changed) this.#core.listener.resume(pacePerSecond);
          return this.#core.tell(
            changed,
            { event: "resumed", held, pacePerSecond },
            "held connections are let go",
          );
        },
      };
    });
  }

  async setHealthCheck(request: HealthCheckRequest | undefined): Promise<ChangeResult> {
    const healthCheck = request && completeHealthCheck(request);
    requireCheckable(healthCheck, this.state().settings.sendProxy);
    return this.#core.keeper.change((record) => {
      const changed = !sameHealthCheck(healthCheck, record.healthCheck);
      return {
        next: changed ? { ...record, healthCheck } : record,
        effect: () => {
          if (changed) this.#core.monitor.setCheck(healthCheck);
          if (changed) this.#core.router.reroute();
          return this.#core.tell(
            changed,
            { event: "health-check", healthCheck },
            "backends are checked anew",
          );
        },
      };
    });
  }

  /** See `ControlPlane.reconfigure`. */
  async reconfigure(before: ServiceConfig, after: ServiceConfig, actor: string): Promise<void> {
    if (!isDeepStrictEqual([before.listen, before.settings], [after.listen, after.settings]))
      await this.#core.redefine(after);
    if (!sameHealthCheck(before.settings.healthCheck, after.settings.healthCheck))
      await this.setHealthCheck(after.settings.healthCheck);
    if (isDeepStrictEqual(before.backends, after.backends)) return;
    if (after.backends.length > 0) await this.set(after.backends, { actor });
    else
      await this.remove(
        this.#core.keeper.present.list.map(({ id }) => id),
        { actor },
      );
  }

  async deploy(request: DeployRequest): Promise<StartedDeploy> {
    await this.#core.keeper.refresh();
    return this.#core.keeper.inTurn(() => this.#core.deploys.start(request, this.#core.monitor.check));
  }

  watchDeploy(send: (status: DeployStatus) => boolean): Watch {
    return this.#core.deploys.watch(send);
  }

  watch(after: WatchPosition | undefined, send: (state: ServiceState) => boolean): Watch {
    return this.#core.feed.watch(after, send);
  }

  state(): ServiceState {
    return this.#core.state();
  }

  async freshState(): Promise<ServiceState> {
    await this.#core.keeper.refresh();
    return this.state();
  }

  get awaited(): boolean {
    return this.#core.fleetPart?.awaited ?? false;
  }

  /** For the other proxies of the fleet; undefined: there is none. */
  report(): MemberService | undefined {
    return this.#core.fleetPart?.report(this.state());
  }

  nameChanged(name: string): void {
    this.#core.nameChanged(name);
  }

  /** No change is taken any more, no connection accepted; the open ones have `graceMs` to end. */
  async close(graceMs: number): Promise<CloseReport> {
    this.#core.deploys.close();
    this.#core.keeper.close();
    const report = await this.#core.listener.close(graceMs);
    this.#core.fleetPart?.close();
    this.#core.drains.tick();
    this.#core.router.close();
    this.#core.drains.close();
    this.#core.monitor.close();
    return report;
  }

  /**
   * Resolves when no change is under way; those that come then wait until it is told to go on.
   * @throws ProxyError DEPLOY_IN_PROGRESS; then nothing waits
   */
  async standStill(): Promise<() => void> {
    const goOn = await this.#core.keeper.standStill();
    if (this.#core.deploys.isFree) return goOn;
    goOn();
    const details = { deploy: this.#core.deploys.status?.id ?? "" };
    throw new ProxyError("DEPLOY_IN_PROGRESS", `a deploy of service '${this.state().service}' is under way`, {
      details,
    });
  }

  handed(): HandedService {
    return this.#core.handed();
  }

  /** What is counted of a backend is forgotten when it is out of the list and empty: it is told before. */
  followEmptied(call: (id: string, counters: TargetCounters) => void): void {
    this.#core.onEmptied = call;
  }

  /** Another process goes on with it. What is open stays open, and its listener does as that process tells it. */
  handOver(): void {
    this.#core.keeper.close();
    this.#core.deploys.close();
    this.#core.listener.handOver();
    this.#core.drains.handOver();
    this.#core.fleetPart?.close();
    this.#core.router.close();
    this.#core.monitor.close();
  }

  destroy(): void {
    this.#core.keeper.close();
    this.#core.listener.destroy();
    this.#core.fleetPart?.close();
    this.#core.monitor.close();
  }

  async #edit(
    verb: keyof typeof EDITS,
    requests: readonly BackendRequest[],
    options: ChangeOptions = {},
  ): Promise<ChangeResult> {
    const wanted = parseBackends(requests);
    return this.#core.changer.change({
      verb,
      edit: (list) => EDITS[verb](list, wanted),
      ...completeOptions(options),
    });
  }
}

function toRequest(address: string): BackendRequest {
  return { address };
}
