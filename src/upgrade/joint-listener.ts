import type {
  CloseReport,
  Engine,
  EngineEvent,
  HoldLimits,
  ListenAddress,
  ListenOptions,
  Listener,
  ListenerSettings,
  ListenerTotals,
  RoutingTable,
  TargetCounters,
} from "../engine/engine.js";
import { NO_COUNTERS } from "../engine/no-counters.js";
import { addCounters, addTotals } from "./counters.js";
import type { RemoteListener } from "./remote-listener.js";

/** An engine whose next listener has connections in the process before, too. */
export function joinEngine(engine: Engine, remote: RemoteListener): Engine {
  return {
    name: engine.name,
    maxConnections: engine.maxConnections,
    listen: (options) => JointListener.open(engine, options, remote),
  };
}

/**
 * One listener in two processes: this one accepts, and the one before still has connections. What is counted is added
 * up, what is ordered goes to both, and a target is drained when it is in both, so that nothing is called safe to stop
 * that is not.
 */
export class JointListener implements Listener {
  readonly #own: Listener;
  readonly #remote: RemoteListener;
  readonly #report: ListenOptions["report"];
  /** What the own listener had counted of targets that it has forgotten and the other has not. */
  readonly #kept = new Map<string, TargetCounters>();
  #targets = new Set<string>();

  private constructor(own: Listener, remote: RemoteListener, report: ListenOptions["report"]) {
    this.#own = own;
    this.#remote = remote;
    this.#report = report;
    remote.onEmptied = (target) => this.#emptiedThere(target);
  }

  static async open(engine: Engine, options: ListenOptions, remote: RemoteListener): Promise<JointListener> {
    let onEvent: ListenOptions["report"] = options.report;
    const own = await engine.listen({ ...options, report: (event) => onEvent(event) });
    const joint = new JointListener(own, remote, options.report);
    onEvent = (event) => joint.#onEvent(event);
    return joint;
  }

  get addresses(): readonly ListenAddress[] {
    return this.#own.addresses;
  }

  sockets(): ReturnType<Listener["sockets"]> {
    return this.#own.sockets();
  }

  listenAt(addresses: readonly ListenAddress[]): Promise<void> {
    return this.#own.listenAt(addresses);
  }

  configure(settings: ListenerSettings): void {
    this.#own.configure(settings);
    this.#remote.tell({ do: "configure", settings });
  }

  async apply(table: RoutingTable): Promise<void> {
    this.#targets = new Set(table.targets.map(({ id }) => id));
    await Promise.all([this.#own.apply(table), this.#remote.apply(table)]);
  }

  counters(target: string): TargetCounters {
    const kept = this.#kept.get(target) ?? NO_COUNTERS;
    return addCounters(addCounters(this.#own.counters(target), kept), this.#remote.counters(target));
  }

  totals(): ListenerTotals {
    return addTotals(this.#own.totals(), this.#remote.totals);
  }

  pause(limits: HoldLimits): void {
    this.#own.pause(limits);
    this.#remote.tell({ do: "pause", limits });
  }

  resume(pacePerSecond: number): void {
    this.#own.resume(pacePerSecond);
    this.#remote.tell({ do: "resume", pacePerSecond });
  }

  /** The older connections are there. */
  cut(target: string, atMost = Infinity): number {
    const there = Math.min(this.#remote.counters(target).activeConnections, atMost);
    if (there > 0) this.#remote.tell({ do: "cut", target, atMost: there });
    return there < atMost ? there + this.#own.cut(target, atMost - there) : there;
  }

  closeIdle(target: string, idleMs: number): number {
    if (this.#remote.counters(target).activeConnections > 0)
      this.#remote.tell({ do: "close-idle", target, idleMs });
    return this.#own.closeIdle(target, idleMs);
  }

  oldestConnection(target: string): number | undefined {
    return this.#remote.oldest(target) ?? this.#own.oldestConnection(target);
  }

  async close(graceMs: number): Promise<CloseReport> {
    this.#remote.tell({ do: "close", graceMs: Number.isFinite(graceMs) ? graceMs : undefined });
    const [report] = await Promise.all([this.#own.close(graceMs), this.#remote.gone()]);
    return report;
  }

  handOver(): void {
    this.#own.handOver();
  }

  destroy(): void {
    this.#remote.tell({ do: "close", graceMs: 0 });
    this.#own.destroy();
  }

  #onEvent(event: EngineEvent): void {
    if (event.type !== "drained") {
      this.#report(event);
      return;
    }
    const { target, counters } = event;
    const kept = addCounters(counters, this.#kept.get(target) ?? NO_COUNTERS);
    this.#kept.set(target, kept);
    if (this.#remote.counters(target).activeConnections === 0) this.#reportDrained(target);
  }

  #emptiedThere(target: string): void {
    const isInUse = this.#targets.has(target) || this.#own.counters(target).activeConnections > 0;
    if (!isInUse) this.#reportDrained(target);
  }

  /** With all that was counted, which is forgotten then. */
  #reportDrained(target: string): void {
    const counters = addCounters(this.#kept.get(target) ?? NO_COUNTERS, this.#remote.counters(target));
    this.#kept.delete(target);
    this.#remote.forget(target);
    this.#report({ type: "drained", target, counters });
  }
}
