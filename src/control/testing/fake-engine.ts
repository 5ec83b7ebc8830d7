import type {
  ConnectionEnds,
  EndCause,
  Engine,
  EngineEvent,
  HoldLimits,
  ListenAddress,
  Listener,
  ListenerSettings,
  RoutingTable,
  TargetCounters,
} from "../../engine/engine.js";
import { NO_COUNTERS } from "../../engine/no-counters.js";
import { noRefusals } from "../../engine/refusals.js";
import { NO_LEDGER } from "../ledger.js";

interface Counts {
  open: number;
  bytes: number;
  total: number;
  failed: number;
  readonly ends: Record<EndCause, number>;
}

/** An engine without sockets: the test says what happens to connections. */
export class FakeEngine implements Engine {
  readonly name = "node";
  readonly maxConnections = 1;
  readonly tables: RoutingTable[] = [];
  readonly holds: (HoldLimits | { readonly pace: number })[] = [];
  /** Listening at /run/NAME fails. */
  refuse: string | undefined;
  readonly listened: (readonly ListenAddress[])[] = [];
  readonly configured: ListenerSettings[] = [];
  readonly idleAsked: number[] = [];
  report: (event: EngineEvent) => void = () => undefined;
  /** Awaited by each apply. */
  acknowledged: Promise<void> = Promise.resolve();
  readonly #counts = new Map<string, Counts>();

  listen({ report }: Parameters<Engine["listen"]>[0]): Promise<Listener> {
    let open: readonly ListenAddress[] = [];
    this.report = report;
    return Promise.resolve({
      get addresses() {
        return open;
      },
      sockets: () => [],
      listenAt: (addresses) => {
        if (addresses.some((address) => "path" in address && address.path === `/run/${this.refuse ?? ""}`))
          return Promise.reject(new Error(`${this.refuse ?? ""} can't be opened`));
        this.listened.push((open = addresses));
        return Promise.resolve();
      },
      configure: (settings) => void this.configured.push(settings),
      apply: (table) => {
        this.tables.push(table);
        return this.acknowledged;
      },
      counters: (target) => this.#read(target),
      totals: () => ({
        ...NO_LEDGER,
        ends: this.#allEnds(),
        openConnections: 0,
        heldConnections: 0,
        acceptedConnections: 0,
        refusals: noRefusals(),
      }),
      pause: (limits) => void this.holds.push(limits),
      resume: (pace) => void this.holds.push({ pace }),
      cut: (target, atMost = Infinity) => this.end(target, "drain", atMost),
      closeIdle: (_, idleMs) => {
        this.idleAsked.push(idleMs);
        return 0;
      },
      oldestConnection: () => undefined,
      close: () => Promise.resolve({ ended: 0, cut: 0 }),
      handOver: () => undefined,
      destroy: () => undefined,
    });
  }

  /** The backends in the order in which connections take them. */
  get order(): string[] {
    const table = this.tables.at(-1);
    return table?.sequence.map((index) => table.targets[index]?.id ?? "") ?? [];
  }

  open(target: string, count: number): void {
    const counts = this.#of(target);
    counts.open += count;
    counts.total += count;
  }

  pass(target: string, bytes: number): void {
    this.#of(target).bytes += bytes;
  }

  /** Connects that fail, of which nobody is told. */
  fail(target: string, count: number): void {
    this.#of(target).failed += count;
  }

  /** Ends connections; a target that is out of the table and empty is reported and forgotten. */
  end(target: string, cause: EndCause, atMost = Infinity): number {
    const counts = this.#of(target);
    const ending = Math.min(counts.open, atMost);
    counts.open -= ending;
    counts.ends[cause] += ending;
    const routed = this.tables.at(-1)?.targets.some(({ id }) => id === target) ?? false;
    if (ending > 0 && counts.open === 0 && !routed) {
      const counters = this.#read(target);
      this.#counts.delete(target);
      this.report({ type: "drained", target, counters });
    }
    return ending;
  }

  #of(target: string): Counts {
    const known = this.#counts.get(target);
    if (known) return known;
    const counts = { open: 0, bytes: 0, total: 0, failed: 0, ends: { ...NO_LEDGER.ends } };
    this.#counts.set(target, counts);
    return counts;
  }

  #read(target: string): TargetCounters {
    const { open, bytes, total, failed, ends } = this.#of(target);
    return {
      ...NO_COUNTERS,
      activeConnections: open,
      totalConnections: total,
      failedConnects: failed,
      bytesIn: bytes,
      ends: { ...ends },
    };
  }

  #allEnds(): ConnectionEnds {
    const sum = { ...NO_LEDGER.ends } as Record<EndCause, number>;
    for (const { ends } of this.#counts.values())
      for (const cause of Object.keys(sum) as EndCause[]) sum[cause] += ends[cause];
    return sum;
  }
}
