import { setInterval } from "node:timers";
import type { Listener, TargetCounters } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import {
  beginDrain,
  drainDue,
  limitDrain,
  observeDrain,
  takeBackDrain,
  type Drain,
  type DrainCounts,
  type DrainLimits,
} from "./drain.js";

export interface DrainKeeperOptions {
  readonly listener: Listener;
  readonly tickMs: number;
  /** Something about the drains under way has changed. */
  readonly onProgress: () => void;
  readonly onEnded: (drain: Drain) => void;
  readonly random?: () => number;
}

export interface Leaving {
  readonly id: string;
  readonly weight: number;
}

/** Drains that have ended are remembered, so that whoever asks a moment too late is told, too. */
const KEPT_ENDED = 1_024;

/** The drains of a service: observes them, does what is due, and remembers how they ended. */
export class DrainKeeper {
  readonly #options: DrainKeeperOptions;
  readonly #random: () => number;
  /** The longest draining first. */
  readonly #running = new Map<string, Drain>();
  /** The latest last. */
  readonly #ended = new Map<string, Drain>();
  readonly #watchers = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DrainKeeperOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** The drains under way, the longest draining first. */
  get running(): readonly Drain[] {
    return [...this.#running.values()];
  }

  /** After a change of the list: what has left begins to drain, what came back doesn't any more. */
  follow(leaving: readonly Leaving[], listed: readonly Leaving[], limits: DrainLimits): void {
    const nowMs = Date.now();
    for (const { id } of listed) {
      const drain = this.#running.get(id);
      if (drain) this.#put(takeBackDrain(drain, nowMs));
    }
    for (const { id, weight } of leaving) {
      this.#put(beginDrain({ id, weight, limits, counts: this.#counts(id), nowMs }));
    }
    this.tick();
  }

  /** Drains that ended with the process before this one. */
  remember(drains: readonly Drain[]): void {
    for (const drain of drains) this.#ended.set(drain.id, drain);
  }

  /** Drains that another process has begun. */
  resume(drains: readonly Drain[]): void {
    for (const drain of drains) this.#running.set(drain.id, drain);
    this.tick();
  }

  /** Another process goes on with what is under way. */
  handOver(): void {
    this.#running.clear();
    this.close();
  }

  /** Other limits for drains under way. @throws ProxyError DRAIN_NOT_FOUND; then none is changed */
  limit(ids: readonly string[], limits: DrainLimits): void {
    for (const id of ids) this.requireRunning(id);
    this.limitIfRunning(ids, limits);
  }

  /** The same for those of them that are still under way. */
  limitIfRunning(ids: readonly string[], limits: DrainLimits): void {
    for (const id of ids) {
      const drain = this.#running.get(id);
      if (drain) this.#put(limitDrain(drain, limits, Date.now()));
    }
    this.tick();
    this.#options.onProgress();
  }

  /** @throws ProxyError DRAIN_NOT_FOUND */
  requireRunning(id: string): Drain {
    const drain = this.#running.get(id);
    if (drain) return drain;
    const details = { address: id };
    throw new ProxyError("DRAIN_NOT_FOUND", `backend '${id}' is not draining`, { details });
  }

  /** A drain that is under way, or has ended lately. */
  find(id: string): Drain | undefined {
    return this.#running.get(id) ?? this.#ended.get(id);
  }

  /** Calls back whenever a drain may have changed. */
  onChange(call: () => void): () => void {
    this.#watchers.add(call);
    return () => void this.#watchers.delete(call);
  }

  /** The engine says that a target has no connection left. */
  emptied(id: string, counters: TargetCounters): void {
    const drain = this.#running.get(id);
    if (drain) this.#put(observeDrain(drain, countsOf(counters), Date.now()));
  }

  /** Observes all, and does what is due. */
  tick(): void {
    for (const id of [...this.#running.keys()]) this.#tickOne(id);
    this.#keepTicking();
    for (const call of [...this.#watchers]) call();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tickOne(id: string): void {
    const { listener } = this.#options;
    const nowMs = Date.now();
    const before = this.#running.get(id);
    if (!before) return;
    const drain = observeDrain(before, this.#counts(id), nowMs);
    this.#put(drain);
    const { cut, idleLimitMs } = drainDue(drain, nowMs, this.#random());
    if (idleLimitMs !== undefined) listener.closeIdle(id, idleLimitMs);
    if (cut > 0) listener.cut(id, cut);
  }

  #put(drain: Drain): void {
    if (drain.state.phase !== "ended") {
      this.#running.set(drain.id, drain);
      return;
    }
    this.#running.delete(drain.id);
    this.#ended.delete(drain.id);
    this.#ended.set(drain.id, drain);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > KEPT_ENDED && oldest !== undefined) this.#ended.delete(oldest);
    if (drain.connectionsAtStart > 0) this.#options.onEnded(drain);
    for (const call of [...this.#watchers]) call();
  }

  #keepTicking(): void {
    if (this.#running.size === 0) this.close();
    else this.#timer ??= setInterval(() => this.#onTimer(), this.#options.tickMs).unref();
  }

  #onTimer(): void {
    const before = this.#progress();
    this.tick();
    if (this.#progress() !== before) this.#options.onProgress();
  }

  #progress(): string {
    return this.running.map(({ id, now, state }) => `${id}=${now.open},${state.phase}`).join();
  }

  #counts(id: string): DrainCounts {
    return countsOf(this.#options.listener.counters(id));
  }
}

function countsOf({ activeConnections, bytesIn, bytesOut, ends }: TargetCounters): DrainCounts {
  return { open: activeConnections, bytes: bytesIn + bytesOut, ends };
}
