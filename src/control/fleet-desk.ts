import { setTimeout } from "node:timers";
import type { Fleet, MemberService } from "./fleet.js";
import { createLatestFeed } from "./latest-feed.js";
import type { FleetView, Watch } from "./management.js";

/** A service as the fleet is told of it. */
export interface Reporting {
  /** A deploy of the fleet is under way. */
  readonly awaited: boolean;
  report(): MemberService | undefined;
  watch(after: undefined, send: () => boolean): Watch;
}

/**
 * What happens in one moment is told together: soon during a deploy, which waits for it, and else when the change has
 * reached the others, too, as all of them have something to tell then.
 */
const GATHER_MS = { deploy: 50, idle: 250 };
/** Counts are told also when nothing has happened: often during a deploy, whose verdict depends on them. */
const PACE_MS = { deploy: 500, idle: 5_000 };

/** Tells the fleet of this proxy's services, and whoever asks of the fleet. */
export class FleetDesk {
  readonly #fleet: Fleet;
  readonly #services: () => Iterable<Reporting>;
  readonly #feed = createLatestFeed<FleetView>();
  readonly #watches = new Map<Reporting, Watch>();
  readonly #unfollow: () => void;
  #timer: NodeJS.Timeout | undefined;
  #planned = false;
  #closed = false;

  constructor(fleet: Fleet, services: () => Iterable<Reporting>) {
    this.#fleet = fleet;
    this.#services = services;
    this.#unfollow = fleet.onChange(() => {
      if (this.#feed.watchers > 0) this.#feed.publish(this.view);
    });
    this.#tellLater(PACE_MS.idle);
  }

  /** Of this proxy as it is now, of the others as they have told. */
  get view(): FleetView {
    const { self, store } = this.#fleet;
    const services = this.#reports();
    const members = this.#fleet.members().map((each) => (each.id === self ? { ...each, services } : each));
    return { self, store, members };
  }

  watch(send: (view: FleetView) => boolean): Watch {
    return this.#feed.watch(this.view, send);
  }

  /** From now on the fleet hears of the service, too. */
  attach(service: Reporting): void {
    const onState = (): boolean => {
      this.#tellSoon();
      return true;
    };
    this.#watches.set(service, service.watch(undefined, onState));
    this.#tell();
  }

  detach(service: Reporting): void {
    this.#watches.get(service)?.close();
    this.#watches.delete(service);
    this.#tellSoon();
  }

  /** Another process goes on. */
  handOver(): void {
    this.#stop();
    this.#fleet.handOver();
  }

  /** Tells once more, for the last time, and leaves. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#tell();
    this.#stop();
    await this.#fleet.close();
  }

  #stop(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#unfollow();
    for (const watch of this.#watches.values()) watch.close();
  }

  #tellSoon(): void {
    if (this.#planned || this.#closed) return;
    this.#planned = true;
    const isAwaited = [...this.#services()].some(({ awaited }) => awaited);
    this.#tellLater(isAwaited ? GATHER_MS.deploy : GATHER_MS.idle * (1 + Math.random()));
  }

  #tellLater(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), delayMs).unref();
  }

  #reports(): readonly MemberService[] {
    return [...this.#services()].flatMap((service) => service.report() ?? []);
  }

  #tell(): void {
    if (this.#closed) return;
    this.#planned = false;
    const reports = this.#reports();
    this.#fleet.report(reports);
    this.#tellLater(reports.some(({ deploy }) => deploy) ? PACE_MS.deploy : PACE_MS.idle);
  }
}
