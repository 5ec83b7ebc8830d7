import type { CloseReport, Endpoint, Engine, ListenAddress } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { parseListenAddress } from "../listen-address.js";
import type { Logger } from "../logger.js";
import { servedBy } from "./asked-list.js";
import { beginRecord, type ServiceOpening } from "./begin-record.js";
import type { Checker } from "./checker.js";
import { noFleet } from "./deploy-desk.js";
import { Destinations } from "./destinations.js";
import { FleetDesk } from "./fleet-desk.js";
import { IN_MEMORY, type Fleet, type StoreStatus } from "./fleet.js";
import type { HandedService } from "./handed-service.js";
import { removeList, requireRemovable } from "./left-list.js";
import type {
  CreatedService,
  CreateServiceRequest,
  DeletedService,
  DeleteServiceRequest,
  FleetView,
  Management,
  PredecessorInfo,
  ProxyInfo,
  Upgraded,
  Watch,
} from "./management.js";
import { followConfiguration } from "./reconfiguration.js";
import { RecordBook } from "./record-book.js";
import { createSerialQueue, holdTurn } from "./serial-queue.js";
import type { ServiceRecord } from "./service-record.js";
import type { InheritedSockets } from "./service-core.js";
import type { ServiceConfig } from "./service-config.js";
import { checkServiceName, DEFAULT_SERVICE } from "./service-name.js";
import { completeSettings } from "./service-settings.js";
import { Service } from "./service.js";
import { sumTotals } from "./sum-totals.js";

export interface ControlPlaneOptions {
  readonly engine: Engine;
  readonly version: string;
  readonly instanceId: string;
  readonly checker: Checker;
  /** Makes the records of all services last. */
  readonly save: (records: readonly ServiceRecord[]) => Promise<void>;
  /** The proxies that share the lists. Default: this one is alone. */
  readonly fleet?: Fleet | undefined;
  /** Where the lists live if they are this proxy's alone. Default: in memory. */
  readonly store?: StoreStatus;
  /** Listening sockets that the process was given. */
  readonly sockets?: (service: string, listen: readonly ListenAddress[]) => InheritedSockets;
  readonly predecessor?: Predecessor | undefined;
  /** Puts another process in our place. @throws ProxyError UPGRADE_FAILED, UPGRADE_IN_PROGRESS, DEPLOY_IN_PROGRESS */
  readonly upgrade?: () => Promise<Upgraded>;
  readonly logger: Logger;
  /** Most lines a second of one kind about the connections of one service; 0: no limit. */
  readonly logRate: number;
}

/** The process whose place this one takes. */
export interface Predecessor {
  /** Undefined: it has nothing of the service. */
  join(service: string, engine: Engine): Join | undefined;
  /** Undefined: nothing is open there any more. */
  readonly info: PredecessorInfo | undefined;
}

/** What a service goes on with: the connections that are open in the other process, and what is known there. */
export interface Join {
  readonly engine: Engine;
  readonly handed: HandedService;
}

/** The history's word for a change of the configuration. */
const RELOAD = "reload";

/** The services of the proxy and what they share: the engine, the look-ups, and the addresses that are our own. */
export class ControlPlane implements Management {
  readonly #options: ControlPlaneOptions;
  /** Undefined: this proxy is alone. */
  readonly #fleetDesk: FleetDesk | undefined;
  readonly #startedUnixMs = Date.now();
  readonly #services = new Map<string, Service>();
  readonly #book: RecordBook;
  /** What the configuration said last of its services. */
  readonly #configured = new Map<string, ServiceConfig>();
  /** Deleted ones whose connections have not ended. */
  readonly #leaving = new Set<Service>();
  readonly #openings = createSerialQueue();
  readonly #destinations = new Destinations({
    listening: () => [...this.#services.values()].flatMap(({ addresses }) => addresses),
    onChange: (name) => this.#services.forEach((service) => service.nameChanged(name)),
  });
  #shuttingDown = false;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#book = new RecordBook(options.save);
    this.#fleetDesk = options.fleet && new FleetDesk(options.fleet, () => this.#services.values());
  }

  /** From now on no backend may be there. */
  reserve(endpoint: Endpoint): void {
    this.#destinations.reserve(endpoint);
  }

  /**
   * @throws ProxyError LISTEN_FAILED, STORE_FAILED, STORE_UNAVAILABLE, INVALID_ADDRESS, FORBIDDEN_BACKEND, SERVICE_EXISTS,
   * LIST_EXISTS, SHUTTING_DOWN
   */
  async openService(opening: ServiceOpening): Promise<Service> {
    return (await this.#open(opening)).service;
  }

  #open(opening: ServiceOpening): Promise<{ readonly service: Service; readonly joinedList: boolean }> {
    return this.#openings(async () => {
      const { name, listen, settings, configured } = opening;
      this.#requireRunning();
      if (this.#services.has(name))
        throw new ProxyError("SERVICE_EXISTS", `service '${name}' exists already`);
      const { engine, checker, logger, logRate } = this.#options;
      const { fleet, instanceId } = this.#options;
      const { record, shared, joined: joinedList, abandon } = await beginRecord(opening, instanceId, fleet);
      const persist = (next: ServiceRecord): Promise<void> =>
        this.#book.store((records) => void records.set(name, next));
      const inherited = this.#options.sockets?.(name, listen);
      const joined = this.#options.predecessor?.join(name, engine);
      const { resolution } = this.#destinations;
      const parts = { resolution, checker, persist, shared, logger, logRate };
      const options = { listen, inherited, settings, handed: joined?.handed, ...parts };
      const service = await this.#destinations
        .whileOpening(listen, () => Service.open(joined?.engine ?? engine, record, options))
        .catch(async (error: unknown) => {
          await abandon().catch(() => undefined);
          throw error;
        });
      this.#services.set(name, service);
      this.#fleetDesk?.attach(service);
      if (configured) this.#configured.set(name, configured);
      return { service, joinedList };
    });
  }

  async createService({ name, ...request }: CreateServiceRequest): Promise<CreatedService> {
    checkServiceName(name);
    if (request.listen.length === 0)
      throw new ProxyError("INVALID_ARGUMENT", "no address to listen on was given");
    const listen = request.listen.map(parseListenAddress);
    const settings = completeSettings(request.settings);
    const start = { backends: request.backends };
    const opening = { name, listen, settings, start, configured: undefined };
    const { service, joinedList } = await this.#open(opening);
    this.#tell("created", name, request.actor);
    return { state: service.state(), joinedList };
  }

  async deleteService({ name, withList, actor }: DeleteServiceRequest): Promise<DeletedService> {
    const { fleet, logger } = this.#options;
    const removing = withList ? fleet : undefined;
    // Of a service that is not here, a list can be left.
    const isHere = !removing || this.#services.has(name);
    if (isHere) this.#requireDeletable(name);
    if (removing) await requireRemovable(removing, name);
    if (isHere) {
      await this.#drop(name);
      this.#tell("deleted", name, actor);
    }
    if (!removing) return { list: fleet && { removed: false, servedBy: servedBy(fleet, name) } };
    const list = await removeList(removing, name);
    logger.info(
      { event: "list-removed", service: name, actor, ...list },
      "a list was to be removed from the store",
    );
    return { list };
  }

  /**
   * Follows a changed configuration (`reconfiguration.ts` has the order): what is new is opened, what is gone is dropped, what differs is changed in place, and
   * whatever was changed since by requests is left alone if the configuration says of it what it said before.
   * @throws ProxyError of the first service that can't be opened or changed; up to the first change nothing has happened then
   */
  reconfigure(services: readonly ServiceConfig[]): Promise<void> {
    return followConfiguration(new Map(this.#configured), services, {
      check: (changed) => this.check(services, changed),
      open: async (next) => {
        const { name, backends } = next;
        await this.openService({ ...next, start: { backends }, configured: next });
        this.#tell("created", name, RELOAD);
      },
      undo: (name) => this.#drop(name),
      change: async (before, after) => {
        await this.service(after.name).reconfigure(before, after, RELOAD);
        this.#configured.set(after.name, after);
      },
      drop: async (name) => {
        await this.#drop(name);
        this.#tell("deleted", name, RELOAD);
      },
    });
  }

  /**
   * Whether those of the changed services could be backends, with all services where they are to listen.
   * @throws ProxyError INVALID_ADDRESS, FORBIDDEN_BACKEND
   */
  check(all: readonly ServiceConfig[], changed: readonly ServiceConfig[]): Promise<void> {
    const listen = all.flatMap((service) => service.listen);
    const lists = changed.filter(({ backends }) => backends.length > 0);
    const checkAll = (): Promise<unknown> =>
      Promise.all(lists.map((service) => this.#destinations.check(service)));
    return this.#openings(async () => {
      await this.#destinations.whileOpening(listen, checkAll);
    });
  }

  /** Accepts also at the sockets that the process was given. @throws ProxyError LISTEN_FAILED */
  async enter(): Promise<void> {
    for (const service of this.#services.values()) await service.enter();
  }

  get services(): ReadonlyMap<string, Service> {
    return this.#services;
  }

  /** Names this proxy in the fleet; undefined: it is alone. */
  get fleetId(): string | undefined {
    return this.#options.fleet?.self;
  }

  get records(): readonly ServiceRecord[] {
    return this.#book.all;
  }

  upgrade(actor: string): Promise<Upgraded> {
    this.#options.logger.info({ event: "upgrade-asked", actor }, "another process is to take over");
    if (this.#options.upgrade) return this.#options.upgrade();
    return Promise.reject(new ProxyError("UPGRADE_FAILED", "this proxy can't start another process"));
  }

  /**
   * Resolves when nothing is being changed; changes that come then wait until it is told to go on.
   * @throws ProxyError DEPLOY_IN_PROGRESS; then nothing waits
   */
  async standStill(): Promise<() => void> {
    const held: (() => void)[] = [];
    const goOn = (): void => held.forEach((each) => each());
    try {
      held.push(await holdTurn(this.#openings));
      for (const service of this.#services.values()) held.push(await service.standStill());
      held.push(await this.#book.hold());
      return goOn;
    } catch (error) {
      goOn();
      throw error;
    }
  }

  /** Another process goes on: nothing is accepted or changed here any more, and what is open stays open. */
  handOver(): void {
    this.#shuttingDown = true;
    for (const service of this.#services.values()) service.handOver();
    this.#fleetDesk?.handOver();
    this.#destinations.close();
  }

  service(name: string): Service {
    const service = this.#services.get(name === "" ? DEFAULT_SERVICE : name);
    if (service) return service;
    const known = this.serviceNames().join(", ");
    throw new ProxyError("SERVICE_NOT_FOUND", `service '${name}' not found; there is: ${known}`);
  }

  revisionOf(service: string): number | undefined {
    return this.#services.get(service)?.state().revision;
  }

  serviceNames(): readonly string[] {
    return [...this.#services.keys()].sort();
  }

  proxyInfo(): ProxyInfo {
    const { engine, version } = this.#options;
    const totals = [...this.#services.values(), ...this.#leaving].map((service) => service.totals);
    return {
      version,
      engine: engine.name,
      startedUnixMs: this.#startedUnixMs,
      ...sumTotals(totals),
      maxConnections: engine.maxConnections,
      shuttingDown: this.#shuttingDown,
      services: this.serviceNames(),
      predecessor: this.#options.predecessor?.info,
      store: this.#options.fleet?.store ?? this.#options.store ?? IN_MEMORY,
    };
  }

  fleet(): FleetView {
    return this.#requireFleet().view;
  }

  watchFleet(send: (fleet: FleetView) => boolean): Watch {
    return this.#requireFleet().watch(send);
  }

  /** Stops accepting and taking changes; open connections have `graceMs` to end. */
  async close(graceMs: number): Promise<CloseReport> {
    this.#shuttingDown = true;
    const leaving = [...this.#leaving];
    const cutLeaving = setTimeout(() => leaving.forEach((service) => service.destroy()), graceMs);
    const reports = await Promise.all(
      [...this.#services.values(), ...leaving].map((service) => service.close(graceMs)),
    );
    clearTimeout(cutLeaving);
    await this.#fleetDesk?.close();
    this.#destinations.close();
    return {
      ended: reports.reduce((sum, { ended }) => sum + ended, 0),
      cut: reports.reduce((sum, { cut }) => sum + cut, 0),
    };
  }

  destroy(): void {
    for (const service of [...this.#services.values(), ...this.#leaving]) service.destroy();
  }

  /** That it is gone is stored first; then it accepts no more, and its open connections end in their own time. */
  async #drop(name: string): Promise<void> {
    const service = this.service(name);
    await this.#book.store((records) => {
      this.#requireRunning();
      records.delete(name);
    });
    this.#services.delete(name);
    this.#fleetDesk?.detach(service);
    this.#configured.delete(name);
    this.#leaving.add(service);
    void service.close(Infinity).then(() => this.#leaving.delete(service));
  }

  #requireDeletable(name: string): void {
    this.service(name);
    if (!this.#configured.has(name)) return;
    const message = `service '${name}' is in the proxy's configuration, which a request can't change: take it out there and reload`;
    throw new ProxyError("SERVICE_CONFIGURED", message);
  }

  #requireFleet(): FleetDesk {
    if (!this.#fleetDesk) throw noFleet();
    return this.#fleetDesk;
  }

  #requireRunning(): void {
    if (this.#shuttingDown)
      throw new ProxyError("SHUTTING_DOWN", "the proxy is stopping and takes no changes");
  }

  #tell(what: string, service: string, actor: string): void {
    this.#options.logger.info({ event: `service-${what}`, service, actor }, `a service was ${what}`);
  }
}
