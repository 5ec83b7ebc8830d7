import { NO_COUNTERS } from "../engine/no-counters.js";
import type { ListenerTotals, RoutingTable, TargetCounters } from "../engine/engine.js";
import type { Command, ListenerReport, TargetReport } from "./messages.js";

/** A command without its address. */
export type Order = Command extends infer Each
  ? Each extends Command
    ? Omit<Each, "type" | "service">
    : never
  : never;

/** The connections that the process before still has of one service: what it last said of them, and what it is told. */
export class RemoteListener {
  readonly #send: (order: Order) => void;
  readonly #targets = new Map<string, TargetReport>();
  readonly #applies = new Map<number, () => void>();
  #totals: ListenerTotals;
  #lastApply = 0;
  #phase: "begun" | "in-charge" | "gone" = "begun";
  #onGone: () => void = () => undefined;
  /** A target has no connection there any more. */
  onEmptied: (target: string) => void = () => undefined;
  readonly #gone = new Promise<void>((resolve) => (this.#onGone = resolve));

  /** @param report of before the hand-over, when there could still be more */
  constructor({ totals, targets }: ListenerReport, send: (order: Order) => void) {
    this.#totals = totals;
    this.#send = send;
    for (const [id, report] of Object.entries(targets)) this.#targets.set(id, report);
  }

  get totals(): ListenerTotals {
    return this.#totals;
  }

  /** Resolves when nothing of ours is open there. */
  gone(): Promise<void> {
    return this.#phase === "begun" ? Promise.resolve() : this.#gone;
  }

  counters(target: string): TargetCounters {
    return this.#targets.get(target)?.counters ?? NO_COUNTERS;
  }

  oldest(target: string): number | undefined {
    return this.#targets.get(target)?.oldest;
  }

  forget(target: string): void {
    this.#targets.delete(target);
  }

  /** That process does what it is told from now on; up to here its lists were the same as ours. */
  takeCharge(): void {
    this.#phase = "in-charge";
  }

  tell(order: Order): void {
    if (this.#phase === "in-charge") this.#send(order);
  }

  /** Resolves when it is in force there, too. */
  apply(table: RoutingTable): Promise<void> {
    if (this.#phase !== "in-charge") return Promise.resolve();
    const id = ++this.#lastApply;
    return new Promise((resolve) => {
      this.#applies.set(id, resolve);
      this.tell({ do: "apply", id, table });
    });
  }

  applied(id: number): void {
    this.#applies.get(id)?.();
    this.#applies.delete(id);
  }

  update({ totals, targets }: ListenerReport): void {
    this.#totals = totals;
    for (const [id, report] of Object.entries(targets)) {
      const wasOpen = this.counters(id).activeConnections > 0;
      this.#targets.set(id, report);
      if (wasOpen && report.counters.activeConnections === 0) this.onEmptied(id);
    }
    if (totals.openConnections === 0) this.#end();
  }

  /** The process can't be reached any more: what it had counted stays, and nothing is open there. */
  lose(): void {
    const targets = [...this.#targets].map(([id, { counters }]) => {
      return [id, { counters: { ...counters, activeConnections: 0 } }] as const;
    });
    const totals = { ...this.#totals, openConnections: 0, heldConnections: 0 };
    this.update({ totals, targets: Object.fromEntries(targets) });
  }

  #end(): void {
    this.#phase = "gone";
    for (const resolve of this.#applies.values()) resolve();
    this.#applies.clear();
    this.#onGone();
  }
}
