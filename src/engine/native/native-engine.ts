import type { Engine, ListenOptions, Telling } from "../engine.js";
import type { Addon, AddonEngine } from "./addon.js";
import { CounterMemory } from "./counter-memory.js";
import { decodeEvents } from "./native-events.js";
import { NativeListener } from "./native-listener.js";

export interface NativeEngineOptions extends Telling {
  readonly addon: Addon;
  readonly threads: number;
  /** Most client connections at once, over all listeners. */
  readonly maxConnections: number;
}

/**
 * The engine for Linux: threads of their own, in C++, move the bytes; this thread only tells them the table and reads
 * their counters. The threads live as long as there is a listener.
 */
export function createNativeEngine(options: NativeEngineOptions): Engine {
  let running: Threads | undefined;
  let runs = 0;
  // New threads count their connections anew.
  const start = (): Threads => {
    runs += 1;
    const idPrefix = runs === 1 ? options.idPrefix : `${options.idPrefix}.${runs}`;
    return new Threads({ ...options, idPrefix }, () => (running = undefined));
  };
  return {
    name: "native",
    maxConnections: options.maxConnections,
    listen(listenOptions) {
      running ??= start();
      return running.listen(listenOptions);
    },
  };
}

/** Running threads and the listeners they serve. */
class Threads {
  readonly #engine: AddonEngine;
  readonly #memory: CounterMemory;
  readonly #threads: number;
  readonly #idPrefix: string;
  readonly #listeners = new Map<number, NativeListener>();
  readonly #stopped: () => void;

  constructor(options: NativeEngineOptions, stopped: () => void) {
    const { addon, threads, maxConnections, tellEnds, idPrefix } = options;
    this.#engine = new addon.Engine(threads, maxConnections, tellEnds, () => this.#deliver());
    this.#idPrefix = idPrefix;
    this.#memory = new CounterMemory(threads, (index) => this.#engine.page(index));
    this.#threads = threads;
    this.#stopped = stopped;
  }

  async listen(options: ListenOptions): Promise<NativeListener> {
    const totalsSlot = this.#memory.allocate();
    const id = this.#engine.create(options, totalsSlot);
    const listener = new NativeListener({
      ...options,
      engine: this.#engine,
      memory: this.#memory,
      threads: this.#threads,
      id,
      idPrefix: this.#idPrefix,
      totalsSlot,
      deliver: () => this.#deliver(),
      finished: () => this.#forget(id),
    });
    this.#listeners.set(id, listener);
    try {
      await listener.listenAt(options.addresses);
    } catch (error) {
      listener.destroy();
      throw error;
    }
    return listener;
  }

  /** What is told goes on first: by what is done about it, targets and listeners are forgotten that the rest may name. */
  #deliver(): void {
    const events = [...decodeEvents(this.#engine.collect())];
    for (const event of events) this.#listeners.get(event.listener)?.tell(event);
    for (const event of events) this.#listeners.get(event.listener)?.react(event);
  }

  #forget(id: number): void {
    this.#engine.forget(id);
    this.#listeners.delete(id);
    if (this.#listeners.size > 0) return;
    this.#stopped();
    this.#engine.stop();
  }
}
