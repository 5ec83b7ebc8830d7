import { getSystemErrorName } from "node:util";
import type { Engine, ListenOptions } from "../engine.js";
import { listenOn } from "../listen-on.js";
import type { Addon, AddonEngine } from "./addon.js";
import { CounterMemory } from "./counter-memory.js";
import { decodeEvents } from "./native-events.js";
import { NativeListener } from "./native-listener.js";

export interface NativeEngineOptions {
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
  return {
    name: "native",
    maxConnections: options.maxConnections,
    async listen(listenOptions) {
      const threads = (running ??= new Threads(options, () => (running = undefined)));
      return threads.listen(listenOptions);
    },
  };
}

/** Running threads and the listeners they serve. */
class Threads {
  readonly #engine: AddonEngine;
  readonly #memory: CounterMemory;
  readonly #threads: number;
  readonly #listeners = new Map<number, NativeListener>();
  readonly #stopped: () => void;
  #opening = 0;

  constructor({ addon, threads, maxConnections }: NativeEngineOptions, stopped: () => void) {
    this.#engine = new addon.Engine(threads, maxConnections, () => this.#deliver());
    this.#memory = new CounterMemory(threads, (index) => this.#engine.page(index));
    this.#threads = threads;
    this.#stopped = stopped;
  }

  async listen(options: ListenOptions): Promise<NativeListener> {
    const totalsSlot = this.#memory.allocate();
    this.#opening += 1;
    try {
      const { id, ...endpoint } = await listenOn(options.endpoint, (wanted) =>
        withErrnoName(() => this.#engine.listen(wanted, { ...options, totalsSlot })),
      );
      const listener = new NativeListener({
        ...options,
        engine: this.#engine,
        memory: this.#memory,
        threads: this.#threads,
        id,
        endpoint,
        totalsSlot,
        finished: () => this.#forget(id),
      });
      this.#listeners.set(id, listener);
      return listener;
    } finally {
      this.#opening -= 1;
      this.#stopIfUnused();
    }
  }

  #deliver(): void {
    for (const event of decodeEvents(this.#engine.collect()))
      this.#listeners.get(event.listener)?.onEvent(event);
  }

  #forget(id: number): void {
    this.#engine.forget(id);
    this.#listeners.delete(id);
    this.#stopIfUnused();
  }

  #stopIfUnused(): void {
    if (this.#listeners.size + this.#opening > 0) return;
    this.#stopped();
    this.#engine.stop();
  }
}

/** The addon's errors have a number, as the kernel's; everybody else reads the name. */
function withErrnoName<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && "errno" in error && typeof error.errno === "number")
      throw Object.assign(error, { code: getSystemErrorName(error.errno) });
    throw error;
  }
}
