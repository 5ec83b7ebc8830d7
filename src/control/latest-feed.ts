import type { Watch } from "./management.js";

/**
 * Passes values on to watchers, each the present one first. `send` answers false when the reader can't take more for
 * now; then nothing is sent until `resume`, which sends the latest value if there is a newer one.
 */
export interface LatestFeed<T> {
  publish(value: T): void;
  watch(present: T, send: (value: T) => boolean): Watch;
  readonly watchers: number;
}

interface Watcher<T> {
  readonly send: (value: T) => boolean;
  ready: boolean;
  /** What came while the reader was full. */
  owed: readonly T[];
}

export function createLatestFeed<T>(): LatestFeed<T> {
  const watchers = new Set<Watcher<T>>();
  const offer = (watcher: Watcher<T>, value: T): void => {
    if (watcher.ready) watcher.ready = watcher.send(value);
    else watcher.owed = [value];
  };
  return {
    publish(value) {
      for (const watcher of [...watchers]) offer(watcher, value);
    },
    watch(present, send) {
      const watcher: Watcher<T> = { send, ready: true, owed: [] };
      watchers.add(watcher);
      offer(watcher, present);
      return {
        resume() {
          const { owed } = watcher;
          watcher.ready = true;
          watcher.owed = [];
          if (watchers.has(watcher)) for (const value of owed) offer(watcher, value);
        },
        close: () => void watchers.delete(watcher),
      };
    },
    get watchers() {
      return watchers.size;
    },
  };
}
