import { createRequire } from "node:module";
import type { Binding } from "../doors.js";
import type { Endpoint, ListenerSettings } from "../engine.js";

/** What the addon `@seamless/native` offers; see native/src/binding.cc. */
export interface Addon {
  /** `wake` is called when `collect` has something new; several things that happen at once are announced once. */
  readonly Engine: new (
    threads: number,
    maxConnections: number,
    tellEnds: boolean,
    wake: () => void,
  ) => AddonEngine;
}

/** Threads with their connections. Its calls are over at once, or after one turn of the threads' loops. */
export interface AddonEngine {
  /** A listener that counts in a slot; answers its id. */
  create(settings: ListenerSettings, totalsSlot: number): number;
  configure(listener: number, settings: ListenerSettings): void;
  /** Has it accept at another socket. @throws Error with `errno` */
  open(listener: number, binding: Binding): Endpoint & { readonly descriptor: number };
  /** Closes one of its sockets. */
  shut(listener: number, descriptor: number): void;
  apply(listener: number, table: AddonTable): void;
  setPaused(listener: number, paused: boolean): void;
  letGo(thread: number, held: number): void;
  /** Resets a held connection, and tells why (`refused`), unless the cause is that the listener closes. */
  refuseHeld(thread: number, held: number, cause: number): void;
  cut(listener: number, slot: number, atMost: number): number;
  closeIdle(listener: number, slot: number, idleMs: number): number;
  oldestUnixMs(listener: number, slot: number): number | undefined;
  stopAccepting(listener: number): void;
  abortAll(listener: number): number;
  forget(listener: number): void;
  /** The memory of so many slots' counters; see `counter-memory.ts`. */
  page(index: number): ArrayBuffer;
  /** See `native-events.ts`. */
  collect(): Float64Array;
  /** Resets what is left and ends the threads; nothing else may be called then. */
  stop(): void;
}

export interface AddonTable {
  readonly targets: readonly {
    readonly slot: number;
    readonly endpoints: readonly Endpoint[];
    readonly weight: number;
  }[];
  /** Number of the choice. */
  readonly choice: number;
  readonly sequence: Uint32Array;
  readonly carry: Uint32Array;
  readonly holdMs: number;
  /** Which of all tables of the listener this is. */
  readonly generation: number;
  /** Slots of the targets that have lost their turn. */
  readonly left: Uint32Array;
}

const require = createRequire(import.meta.url);

/**
 * @param path another build of it, such as one with sanitizers
 * @throws Error if it was not built, or not for this platform
 */
export function loadAddon(path = "@seamless/native"): Addon {
  return require(path) as Addon;
}
