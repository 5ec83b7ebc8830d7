import { setTimeout } from "node:timers";
import type { Listener } from "../engine/engine.js";
import type { BackendList } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import { expiredEjections, nextExpiryMs, onConnectFailure, reinstate, type Ejections } from "./ejection.js";
import { buildRoute, type Route } from "./routing-table.js";
import type { ServiceSettings } from "./service-settings.js";

export interface RouterOptions {
  readonly listener: Listener;
  readonly resolution: BackendResolution;
  /** Those in force. */
  readonly settings: () => ServiceSettings;
  /** Whether a backend's checks fail. */
  readonly isUnhealthy: (id: string) => boolean;
  /** The list in force. */
  readonly list: () => BackendList;
  /** The routing table was rebuilt by itself: an address, an ejection or its end. */
  readonly onReroute: () => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Keeps the engine's routing table true to the list, the resolved addresses, the checks and the ejections. A change of the
 * list calls `apply`; everything else calls `reroute`, which gathers what happens in one turn of the event loop
 * into one new table.
 */
export class Router {
  readonly #options: RouterOptions;
  #route: Route | undefined;
  #ejections: Ejections = new Map();
  #ejectionTimer: NodeJS.Timeout | undefined;
  #reroutePlanned = false;
  #closed = false;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** Resolves once every engine thread routes by the present list. `restart`: the round starts anew. */
  async apply({ restart }: { readonly restart: boolean }): Promise<void> {
    const { listener, resolution, list } = this.#options;
    const settings = this.#options.settings();
    this.#dropNeedlessEjections();
    const holdMs = Math.max(
      settings.queueTimeoutMs,
      resolution.pending(list()) ? settings.connectTimeoutMs : 0,
    );
    const isAside = (id: string): boolean => this.#ejections.has(id) || this.#options.isUnhealthy(id);
    const previous = restart ? undefined : this.#route;
    this.#route = buildRoute(
      list(),
      { addresses: (backend) => resolution.addresses(backend), isAside, holdMs, balance: settings.balance },
      previous,
    );
    await listener.apply(this.#route.table);
  }

  reroute(): void {
    if (this.#reroutePlanned) return;
    this.#reroutePlanned = true;
    queueMicrotask(() => {
      this.#reroutePlanned = false;
      if (!this.#closed) this.apply({ restart: false }).then(this.#options.onReroute, this.#options.onError);
    });
  }

  /** Why the backend is ejected; undefined if it is not. */
  ejection(id: string): string | undefined {
    return this.#ejections.get(id)?.error;
  }

  connectFailed(id: string, code: string, consecutive: number): void {
    const { ejectAfterFailures: threshold, ejectMs: durationMs } = this.#options.settings();
    // Under a flood of failures this is all that is done for each.
    if (consecutive < threshold || this.#ejections.has(id)) return;
    const failure = { id, code, consecutive, nowMs: Date.now(), connectable: this.#connectable() };
    this.#setEjections(onConnectFailure(this.#ejections, failure, { threshold, durationMs }));
  }

  connectRecovered(id: string): void {
    this.#setEjections(reinstate(this.#ejections, [id]));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#ejectionTimer);
  }

  /** A backend that left the list, or that has become the only one, is not aside any more. */
  #dropNeedlessEjections(): void {
    const connectable = this.#connectable();
    const gone = [...this.#ejections.keys()].filter((id) => !connectable.includes(id));
    const allAside = connectable.every((id) => this.#ejections.has(id));
    this.#ejections = reinstate(this.#ejections, allAside ? [...gone, ...connectable] : gone);
  }

  #connectable(): readonly string[] {
    const { list, resolution, isUnhealthy } = this.#options;
    return list()
      .filter((backend) => resolution.addresses(backend).length > 0 && !isUnhealthy(backend.id))
      .map(({ id }) => id);
  }

  #setEjections(next: Ejections): void {
    if (next === this.#ejections || this.#closed) return;
    this.#ejections = next;
    this.reroute();
    clearTimeout(this.#ejectionTimer);
    const expiryMs = nextExpiryMs(next);
    if (expiryMs === undefined) return;
    const expire = (): void =>
      this.#setEjections(reinstate(this.#ejections, expiredEjections(this.#ejections, Date.now())));
    this.#ejectionTimer = setTimeout(expire, Math.max(expiryMs - Date.now(), 0) + 1).unref();
  }
}
