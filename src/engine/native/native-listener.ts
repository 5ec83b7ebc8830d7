import { Closing } from "../closing.js";
import { Doors, type Binding, type Door } from "../doors.js";
import {
  CHOICES,
  type CloseReport,
  type HoldLimits,
  type ListenAddress,
  type ListenOptions,
  type Listener,
  type ListenerSettings,
  type ListenerTotals,
  type RoutingTable,
  type TargetCounters,
} from "../engine.js";
import { Holding, type Held } from "../holding.js";
import { idsOutOfTurn } from "../turns.js";
import { REFUSALS, UNSERVED } from "../unserved.js";
import type { AddonEngine } from "./addon.js";
import type { CounterMemory } from "./counter-memory.js";
import { CAUSES, withErrnoName, type NativeEvent } from "./native-events.js";
import { reportOf } from "./native-reports.js";
import { SlotBook, type Forgotten } from "./slot-book.js";

const MOST = 0xffff_ffff;

export interface NativeListenerOptions extends ListenOptions {
  readonly engine: AddonEngine;
  readonly memory: CounterMemory;
  readonly threads: number;
  readonly id: number;
  readonly idPrefix: string;
  readonly totalsSlot: number;
  /** Has everything delivered that the threads have told so far. */
  readonly deliver: () => void;
  readonly finished: () => void;
}

interface HeldConnection extends Held {
  readonly thread: number;
  readonly id: number;
}

interface Adoption {
  readonly generation: number;
  threadsLeft: number;
  readonly resolve: () => void;
}

/**
 * A listening socket whose connections are served by the addon's threads. Decided here is what takes its time: which
 * targets there are, who waits, and when it is over.
 *
 * A connection that has to wait is told of (`held`) and then belongs to `Holding`; what was decided by an older
 * table, or because of a pause that is over, is tried again at once.
 */
export class NativeListener implements Listener {
  readonly #options: NativeListenerOptions;
  readonly #doors: Doors;
  readonly #book: SlotBook;
  readonly #holding: Holding<HeldConnection>;
  readonly #held = new Map<string, HeldConnection>();
  readonly #reactions: Partial<Record<NativeEvent["type"], (event: NativeEvent) => void>> = {
    "connect-recovered": () => this.#holding.targetFound(),
    held: (event) => this.#hold(event),
    "held-left": (event) => this.#forgetHeld(event),
    "held-connected": () => this.#holding.targetFound(),
    drained: ({ slot }) => this.#forgetDrained(slot),
    emptied: () => this.#finishIfEmpty(),
    adopted: ({ number }) => this.#adopted(number),
  };
  #table: RoutingTable = { targets: [], sequence: [], choice: "turn", holdMs: 0 };
  #generation = 0;
  #adoptions: Adoption[] = [];
  #closing: Closing | undefined;
  #last: ListenerTotals | undefined;

  constructor(options: NativeListenerOptions) {
    this.#options = options;
    this.#doors = new Doors({ inherited: options.inherited, open: (binding) => this.#open(binding) });
    this.#book = new SlotBook(options.memory);
    this.#holding = new Holding({
      maxHeld: options.maxHeld,
      letGo: (held) => this.#letGo(held),
      expired: (held) => this.#refuse(held, "hold-expired"),
    });
  }

  get addresses(): readonly ListenAddress[] {
    return this.#doors.addresses;
  }

  sockets(): ReturnType<Listener["sockets"]> {
    return this.#doors.sockets();
  }

  listenAt(addresses: readonly ListenAddress[]): Promise<void> {
    return this.#doors.listenAt(addresses);
  }

  configure(settings: ListenerSettings): void {
    if (!this.#last) this.#options.engine.configure(this.#options.id, settings);
  }

  apply(table: RoutingTable): Promise<void> {
    if (this.#last) return Promise.resolve();
    const { engine, id, threads } = this.#options;
    this.#book.follow(table);
    const left = [...idsOutOfTurn(this.#table, table)].flatMap((target) => this.#book.find(target) ?? []);
    this.#generation += 1;
    engine.apply(id, {
      targets: table.targets.map(({ id: target, endpoints, weight }) => ({
        slot: this.#book.find(target) ?? 0,
        endpoints,
        weight,
      })),
      choice: CHOICES.indexOf(table.choice),
      sequence: Uint32Array.from(table.sequence),
      carry: Uint32Array.from(table.carry ?? []),
      holdMs: table.holdMs,
      generation: this.#generation,
      left: Uint32Array.from(left),
    });
    this.#table = table;
    this.#holding.follow(table);
    return new Promise((resolve) => {
      this.#adoptions.push({ generation: this.#generation, threadsLeft: threads, resolve });
    });
  }

  counters(target: string): TargetCounters {
    return this.#book.read(target);
  }

  totals(): ListenerTotals {
    const { memory, totalsSlot } = this.#options;
    if (this.#last) return this.#last;
    return { ...memory.readListener(totalsSlot), heldConnections: this.#holding.size };
  }

  pause(limits: HoldLimits): void {
    if (this.#last) return;
    this.#options.engine.setPaused(this.#options.id, true);
    this.#holding.pause(limits);
  }

  resume(pacePerSecond: number): void {
    if (this.#last) return;
    this.#options.engine.setPaused(this.#options.id, false);
    this.#holding.resume(pacePerSecond);
  }

  cut(target: string, atMost = MOST): number {
    const slot = this.#openSlot(target);
    return slot === undefined ? 0 : this.#options.engine.cut(this.#options.id, slot, Math.min(atMost, MOST));
  }

  closeIdle(target: string, idleMs: number): number {
    const slot = this.#openSlot(target);
    return slot === undefined ? 0 : this.#options.engine.closeIdle(this.#options.id, slot, idleMs);
  }

  oldestConnection(target: string): number | undefined {
    const slot = this.#openSlot(target);
    return slot === undefined ? undefined : this.#options.engine.oldestUnixMs(this.#options.id, slot);
  }

  close(graceMs: number): Promise<CloseReport> {
    if (this.#closing) return this.#closing.promise;
    const { engine, id } = this.#options;
    this.#doors.shutAll();
    engine.stopAccepting(id);
    for (const { thread, id: held } of this.#holding.takeAll())
      engine.refuseHeld(thread, held, CAUSES.indexOf("shutdown"));
    const open = this.totals().openConnections;
    this.#closing = new Closing(open, graceMs, () => this.#cutAll());
    const { promise } = this.#closing;
    this.#finishIfEmpty();
    return promise;
  }

  handOver(): void {
    this.#doors.handOver();
  }

  destroy(): void {
    void this.close(0);
    this.#cutAll();
  }

  /** Passes on what a thread tells of this listener. */
  tell(event: NativeEvent): void {
    const { idPrefix, report } = this.#options;
    const reported = reportOf(event, { idPrefix, target: this.#book.idOf(event.slot) });
    if (reported) report(reported);
  }

  /** Does what is to be done about it. */
  react(event: NativeEvent): void {
    this.#reactions[event.type]?.(event);
  }

  #open(binding: Binding): Door {
    const { engine, id } = this.#options;
    const { descriptor, host, port } = withErrnoName(() => engine.open(id, binding));
    const shut = (): void => engine.shut(id, descriptor);
    return host === "" ? { descriptor, shut } : { bound: { host, port }, descriptor, shut };
  }

  #hold(event: NativeEvent): void {
    const held = { thread: event.thread, id: event.number, heldSinceMs: performance.now() - event.more };
    if (this.#closing) {
      this.#refuse(held, "no-backend");
      return;
    }
    const isOutdated = event.generation !== this.#generation;
    if (!this.#holding.paused && (isOutdated || event.reason === "paused")) {
      this.#letGo(held);
      return;
    }
    const outcome = this.#holding.hold(held);
    if (outcome === "held") this.#held.set(keyOf(held), held);
    else this.#refuse(held, REFUSALS[outcome]);
  }

  #forgetHeld({ thread, number: id }: NativeEvent): void {
    const held = this.#held.get(keyOf({ thread, id }));
    if (held) this.#holding.forget(held);
    this.#held.delete(keyOf({ thread, id }));
  }

  #letGo(held: HeldConnection): void {
    this.#held.delete(keyOf(held));
    this.#options.engine.letGo(held.thread, held.id);
  }

  #refuse(held: HeldConnection, reason: (typeof REFUSALS)[keyof typeof REFUSALS]): void {
    this.#held.delete(keyOf(held));
    this.#options.engine.refuseHeld(held.thread, held.id, CAUSES.indexOf(UNSERVED[reason]));
  }

  #adopted(generation: number): void {
    const adoption = this.#adoptions.find((pending) => pending.generation === generation);
    if (!adoption || --adoption.threadsLeft > 0) return;
    this.#adoptions = this.#adoptions.filter((pending) => pending !== adoption);
    // Before that a thread might have begun another connection to one of them.
    if (generation === this.#generation) {
      for (const slot of this.#book.retired()) {
        const gone = this.#forgetIfUnused(slot);
        if (gone?.leftInUse) this.#reportDrained(gone);
      }
    }
    adoption.resolve();
  }

  /** A thread says so; while a table is still being adopted it is too early to tell, and looked at after that. */
  #forgetDrained(slot: number): void {
    const gone = this.#adoptions.length === 0 ? this.#forgetIfUnused(slot) : undefined;
    if (gone) this.#reportDrained(gone);
  }

  /** A thread tells of its last connection before it counts it off: what has been told by now still has its name. */
  #forgetIfUnused(slot: number): Forgotten | undefined {
    if (this.#book.isUsed(slot)) return undefined;
    this.#options.deliver();
    return this.#book.forgetIfUnused(slot);
  }

  #reportDrained({ target, counters }: Forgotten): void {
    this.#options.report({ type: "drained", target, counters });
  }

  #openSlot(target: string): number | undefined {
    return this.#last ? undefined : this.#book.find(target);
  }

  #cutAll(): void {
    if (this.#last) return;
    this.#closing?.countCut(this.#options.engine.abortAll(this.#options.id));
    this.#finishIfEmpty();
  }

  #finishIfEmpty(): void {
    const { memory, totalsSlot, deliver, finished } = this.#options;
    if (!this.#closing || this.#last || memory.openConnections(totalsSlot) > 0) return;
    this.#last = this.totals();
    deliver();
    this.#book.freeze();
    memory.release(totalsSlot);
    for (const { resolve } of this.#adoptions.splice(0)) resolve();
    finished();
    this.#closing.finish();
  }
}

const keyOf = ({ thread, id }: Pick<HeldConnection, "thread" | "id">): string => `${thread}:${id}`;
