import { setInterval } from "node:timers";
import { formatAddress } from "../address.js";
import type {
  CloseReport,
  Endpoint,
  Engine,
  EngineEvent,
  Listener,
  ListenerTotals,
} from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { createSampledWarning, type SampledWarning } from "../log-sampler.js";
import type { Logger } from "../logger.js";
import { addBackends, parseBackends, removeBackends, setBackends } from "./backend-list.js";
import type { BackendList, WantedBackend } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import { viewDraining, viewListed } from "./backend-view.js";
import { changeDrains, endDrains, type Drains } from "./drains.js";
import type { BackendRequest, ChangeOptions, ChangeResult, ManagedService, Watch } from "./management.js";
import { Router } from "./router.js";
import { createSerialQueue } from "./serial-queue.js";
import type { ServiceSettings } from "./service-settings.js";
import type { ServiceState, WatchPosition } from "./service-state.js";
import { createStateFeed } from "./state-feed.js";

export interface ServiceOptions {
  readonly name: string;
  readonly instanceId: string;
  readonly endpoint: Endpoint;
  readonly settings: ServiceSettings;
  readonly resolution: BackendResolution;
  readonly logger: Logger;
}

interface ChangeKind {
  readonly verb: "set" | "add" | "remove";
  readonly edit: (list: BackendList, wanted: readonly WantedBackend[]) => BackendList;
}

/**
 * One listening address with its list.
 *
 * A change happens in this order: its addresses are parsed; it waits for its turn (changes are carried out one at
 * a time); the expected revision is compared; the next list is computed; new names are looked up, which may take
 * `resolveWaitMs`, and forbidden addresses refused; then list and revision change in one step, the routing table
 * is built from them, and every engine thread acknowledges it; then watchers are told and the caller is answered.
 * Whatever fails does so before the step.
 *
 * What happens by itself (a look-up, an ejection, its end) rebuilds the table from the present list in the same
 * way and raises only the sequence, not the revision.
 */
export class Service implements ManagedService {
  readonly #options: ServiceOptions;
  readonly #listener: Listener;
  readonly #router: Router;
  readonly #inTurn = createSerialQueue();
  readonly #feed = createStateFeed(() => this.state());
  readonly #warn: SampledWarning;
  #list: BackendList = [];
  #drains: Drains = new Map();
  #revision = 0;
  #sequence = 0;
  #publishedOpen = "";
  #closing = false;
  #drainTimer: NodeJS.Timeout | undefined;

  private constructor(options: ServiceOptions, listener: Listener) {
    const { settings, resolution, logger } = options;
    this.#options = options;
    this.#listener = listener;
    this.#warn = createSampledWarning(logger.child({ service: options.name }), Date.now);
    this.#router = new Router({
      listener,
      resolution,
      settings,
      list: () => this.#list,
      onReroute: () => this.#publish(),
      onError: (error) =>
        logger.error({ event: "apply-failed", err: error }, "the engine refused a routing table"),
    });
  }

  /** Looks up the names of the first list, binds, and routes. */
  static async open(
    engine: Engine,
    backends: readonly BackendRequest[],
    options: ServiceOptions,
  ): Promise<Service> {
    const { endpoint, settings, resolution } = options;
    const list = setBackends([], parseBackends(backends));
    await resolution.admit(list, settings.resolveWaitMs);
    let report: (event: EngineEvent) => void = () => undefined;
    const { connectTimeoutMs, maxAttempts } = settings;
    const listener = await engine.listen({
      endpoint,
      connectTimeoutMs,
      maxAttempts,
      report: (event) => report(event),
    });
    const service = new Service(options, listener);
    report = (event) => service.#onEngineEvent(event);
    await service.#commit(list, { restart: true });
    return service;
  }

  get endpoint(): Endpoint {
    return this.#listener.endpoint;
  }

  get totals(): ListenerTotals {
    return this.#listener.totals();
  }

  set(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult> {
    return this.#change({ verb: "set", edit: setBackends }, backends, options);
  }

  add(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult> {
    return this.#change({ verb: "add", edit: addBackends }, backends, options);
  }

  remove(addresses: readonly string[], options?: ChangeOptions): Promise<ChangeResult> {
    const backends = addresses.map((address) => ({ address }));
    return this.#change({ verb: "remove", edit: removeBackends }, backends, options);
  }

  watch(after: WatchPosition | undefined, send: (state: ServiceState) => boolean): Watch {
    return this.#feed.watch(after, send);
  }

  state(): ServiceState {
    const { name, instanceId } = this.#options;
    const sources = { listener: this.#listener, router: this.#router, resolution: this.#options.resolution };
    const listed = this.#list.map((backend) => viewListed(backend, sources));
    const draining = [...this.#drains].map(([id, drain]) => viewDraining(id, drain, sources));
    return {
      service: name,
      instanceId,
      revision: this.#revision,
      sequence: this.#sequence,
      backends: [...listed, ...draining],
      listenAddresses: [formatAddress(this.endpoint)],
    };
  }

  /** The addresses of a name have changed. */
  nameChanged(name: string): void {
    if (this.#list.some(({ address }) => address.host === name)) this.#router.reroute();
  }

  /** No change is taken any more, no connection accepted; the open ones have `graceMs` to end. */
  async close(graceMs: number): Promise<CloseReport> {
    this.#closing = true;
    const report = await this.#listener.close(graceMs);
    this.#router.close();
    clearInterval(this.#drainTimer);
    return report;
  }

  destroy(): void {
    this.#closing = true;
    this.#listener.destroy();
  }

  async #change(
    kind: ChangeKind,
    requests: readonly BackendRequest[],
    options: ChangeOptions = {},
  ): Promise<ChangeResult> {
    const wanted = parseBackends(requests);
    return this.#inTurn(() => this.#carryOut(kind, wanted, options));
  }

  async #carryOut(
    { verb, edit }: ChangeKind,
    wanted: readonly WantedBackend[],
    options: ChangeOptions,
  ): Promise<ChangeResult> {
    if (this.#closing) throw new ProxyError("SHUTTING_DOWN", "the proxy is stopping and takes no changes");
    this.#checkRevision(options.expectedRevision);
    const next = edit(this.#list, wanted);
    const changed = next !== this.#list;
    // The original starts the round anew with each Set, also with one of the same list.
    const restart = verb === "set";
    if (!changed && !restart) return { state: this.state(), changed };
    const { resolution, settings } = this.#options;
    await resolution.admit(without(next, this.#list), settings.resolveWaitMs);
    await this.#commit(next, { restart });
    if (changed) this.#logChange(verb);
    return { state: this.state(), changed };
  }

  #checkRevision(expected: number | undefined): void {
    if (expected === undefined || expected === this.#revision) return;
    throw new ProxyError(
      "REVISION_MISMATCH",
      `the revision is ${this.#revision}, not ${expected}: the list was changed by someone else; read it and try again`,
      { details: { current_revision: String(this.#revision) } },
    );
  }

  async #commit(next: BackendList, { restart }: { readonly restart: boolean }): Promise<void> {
    const leaving = without(this.#list, next);
    const changed = next !== this.#list;
    this.#list = next;
    if (changed) this.#revision += 1;
    this.#options.resolution.release(leaving);
    await this.#router.apply({ restart });
    const listed = new Set(next.map(({ id }) => id));
    this.#drains = changeDrains(this.#drains, { leaving, listed, nowMs: Date.now() }, this.#open);
    if (changed) this.#publish();
  }

  #publish(): void {
    this.#sequence += 1;
    this.#publishedOpen = this.#openInDrains();
    this.#feed.publish(this.state());
    this.#watchDrains();
  }

  /** While backends drain, their progress is looked at a few times a second. */
  #watchDrains(): void {
    if (this.#drains.size > 0) {
      this.#drainTimer ??= setInterval(
        () => this.#drainTick(),
        this.#options.settings.drainProgressMs,
      ).unref();
    } else {
      clearInterval(this.#drainTimer);
      this.#drainTimer = undefined;
    }
  }

  #drainTick(): void {
    this.#drains = endDrains(this.#drains, this.#open);
    if (this.#openInDrains() !== this.#publishedOpen) this.#publish();
  }

  #onEngineEvent(event: EngineEvent): void {
    switch (event.type) {
      case "connect-failed":
        this.#onConnectFailed(event.target, event.code, event.consecutive);
        break;
      case "connect-recovered":
        this.#router.connectRecovered(event.target);
        break;
      case "drained":
        this.#onDrained(event.target);
        break;
      case "refused":
        this.#warn("refused", { reason: event.reason }, "a client was reset");
        break;
    }
  }

  #onConnectFailed(id: string, code: string, consecutive: number): void {
    this.#warn("connect-failed", { backend: id, code, consecutive }, "connecting to a backend failed");
    const backend = this.#list.find((listed) => listed.id === id);
    if (!backend) return;
    this.#options.resolution.refresh(backend);
    this.#router.connectFailed(id, code, consecutive);
  }

  #onDrained(id: string): void {
    if (!this.#drains.has(id)) return;
    this.#options.logger.info({ event: "drained", backend: id }, "drained: safe to stop");
    this.#drainTick();
  }

  readonly #open = (id: string): number => this.#listener.counters(id).activeConnections;

  #openInDrains(): string {
    return [...this.#drains.keys()].map((id) => `${id}=${this.#open(id)}`).join();
  }

  #logChange(verb: ChangeKind["verb"]): void {
    const { logger, name } = this.#options;
    const backends = this.#list.map(({ id, weight }) => (weight === 1 ? id : `${id}=${weight}`));
    logger.info(
      { event: "changed", service: name, verb, revision: this.#revision, backends },
      "backends changed",
    );
  }
}

/** The backends of one list that are not in the other. */
function without(list: BackendList, other: BackendList): BackendList {
  const ids = new Set(other.map(({ id }) => id));
  return list.filter(({ id }) => !ids.has(id));
}
