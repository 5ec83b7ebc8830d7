import type { HoldLimits, RoutingTable } from "./engine.js";

/** A connection that waits, as its engine knows it. */
export interface Held {
  /** When it first had to wait; of the clock of performance.now(). */
  heldSinceMs: number | undefined;
}

export interface HoldingOptions<Connection extends Held> {
  /** Most that wait at once, unless `pause` says otherwise. */
  readonly maxHeld: number;
  /** A connection may try again; it comes back by `hold` if that is in vain. */
  readonly letGo: (connection: Connection) => void;
  readonly expired: (connection: Connection) => void;
}

/** How often one of the held connections is tried, to see whether a target can be connected again. */
const PROBE_INTERVAL_MS = 200;
const RELEASE_TICK_MS = 10;
/** What is let go per second when a target has appeared: a server that has just started has a short backlog. */
const DEFAULT_PACE_PER_SECOND = 1_000;

/**
 * The connections that wait for a target, oldest first, each for a limited time.
 *
 *     probing ──a target is there, or resume──► releasing ──all gone──► probing
 *        │  ▲                                      │
 *        └──┴── pause ──► paused ◄────── pause ────┘
 *
 * While probing, the oldest is tried now and then; once one could be connected, the others follow at a pace. While
 * paused nothing is tried.
 */
export class Holding<Connection extends Held> {
  readonly #options: HoldingOptions<Connection>;
  readonly #expiries = new Map<Connection, NodeJS.Timeout>();
  #pause: HoldLimits | undefined;
  #holdMs = 0;
  #probing: NodeJS.Timeout | undefined;
  #releasing: NodeJS.Timeout | undefined;

  constructor(options: HoldingOptions<Connection>) {
    this.#options = options;
  }

  get size(): number {
    return this.#expiries.size;
  }

  get paused(): boolean {
    return this.#pause !== undefined;
  }

  /** What became of the wish to wait: it may not wait at all, or too many do, or its time has passed. */
  hold(connection: Connection): "held" | "never" | "full" | "expired" {
    const { holdMs, maxHeld } = this.#pause ?? { holdMs: this.#holdMs, maxHeld: this.#options.maxHeld };
    if (holdMs === 0) return "never";
    if (this.size >= maxHeld) return "full";
    connection.heldSinceMs ??= performance.now();
    const leftMs = connection.heldSinceMs + holdMs - performance.now();
    if (leftMs <= 0) return "expired";
    const expire = (): void => {
      this.forget(connection);
      this.#options.expired(connection);
    };
    this.#expiries.set(connection, setTimeout(expire, leftMs));
    this.#probing ??= setInterval(() => this.#probe(), PROBE_INTERVAL_MS);
    return "held";
  }

  forget(connection: Connection): void {
    clearTimeout(this.#expiries.get(connection));
    if (!this.#expiries.delete(connection) || this.size > 0) return;
    clearInterval(this.#probing);
    this.#probing = undefined;
    this.#stopReleasing();
  }

  pause(limits: HoldLimits): void {
    this.#pause = limits;
    this.#stopReleasing();
  }

  resume(pacePerSecond: number): void {
    this.#pause = undefined;
    this.#release(pacePerSecond);
  }

  follow({ holdMs, sequence }: RoutingTable): void {
    this.#holdMs = holdMs;
    if (sequence.length > 0) this.targetFound();
  }

  /** A target can be connected, or may be. */
  targetFound(): void {
    if (this.size > 0 && !this.paused && !this.#releasing) this.#release(DEFAULT_PACE_PER_SECOND);
  }

  /** Takes all of them out. */
  takeAll(): readonly Connection[] {
    const held = [...this.#expiries.keys()];
    for (const connection of held) this.forget(connection);
    return held;
  }

  #probe(): void {
    if (!this.paused && !this.#releasing) this.#letGo(1);
  }

  #release(pacePerSecond: number): void {
    this.#stopReleasing();
    if (pacePerSecond === 0) {
      this.#letGo(this.size);
      return;
    }
    const startedMs = performance.now();
    let gone = 0;
    const tick = (): void => {
      const due = Math.floor(((performance.now() - startedMs + RELEASE_TICK_MS) * pacePerSecond) / 1_000);
      gone += this.#letGo(due - gone);
    };
    if (this.size > 0) this.#releasing = setInterval(tick, RELEASE_TICK_MS);
    tick();
  }

  #stopReleasing(): void {
    clearInterval(this.#releasing);
    this.#releasing = undefined;
  }

  #letGo(atMost: number): number {
    const free = [...this.#expiries.keys()].slice(0, Math.max(atMost, 0));
    for (const connection of free) this.forget(connection);
    for (const connection of free) this.#options.letGo(connection);
    return free.length;
  }
}
