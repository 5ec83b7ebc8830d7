import type { Watch } from "./management.js";
import type { ServiceState, WatchPosition } from "./service-state.js";

/**
 * Passes states on to watchers. Each watcher is in one of two states: ready (a new state is sent to it at once) or
 * full (its last `send` answered false: nothing is sent, and only the latest state is owed to it). `resume` makes
 * a full one ready. So a slow watcher costs no memory, and what it gets is never older than it could take.
 *
 * The first states of the last `KEPT_REVISIONS` revisions are kept, so that a watcher that comes back sees each
 * revision that it missed.
 */
export interface StateFeed {
  publish(state: ServiceState): void;
  watch(after: WatchPosition | undefined, send: Send): Watch;
  readonly watchers: number;
}

type Send = (state: ServiceState) => boolean;

interface Watcher {
  readonly send: Send;
  ready: boolean;
  sentSequence: number;
}

const KEPT_REVISIONS = 128;

export function createStateFeed(present: () => ServiceState): StateFeed {
  const kept: ServiceState[] = [];
  const watchers = new Set<Watcher>();

  const offer = (watcher: Watcher, state: ServiceState): void => {
    if (!watcher.ready || state.sequence <= watcher.sentSequence) return;
    watcher.sentSequence = state.sequence;
    watcher.ready = watcher.send(state);
  };

  return {
    publish(state) {
      if (kept.at(-1)?.revision !== state.revision) kept.push(state);
      if (kept.length > KEPT_REVISIONS) kept.shift();
      for (const watcher of watchers) offer(watcher, state);
    },
    watch(after, send) {
      const now = present();
      const known = after !== undefined && isOfThisHistory(after, now) ? after : undefined;
      const watcher: Watcher = {
        send,
        ready: true,
        sentSequence: known ? sequenceSeen(known, now, kept) : 0,
      };
      watchers.add(watcher);
      if (known) for (const state of kept) if (state.revision > known.revision) offer(watcher, state);
      offer(watcher, now);
      return {
        resume() {
          watcher.ready = true;
          if (watchers.has(watcher)) offer(watcher, present());
        },
        close: () => void watchers.delete(watcher),
      };
    },
    get watchers() {
      return watchers.size;
    },
  };
}

/** A position from before a restart, or from the future, says nothing about this history. */
function isOfThisHistory(after: WatchPosition, now: ServiceState): boolean {
  if (after.instanceId !== "" && after.instanceId !== now.instanceId) return false;
  return after.revision <= now.revision && after.sequence <= now.sequence;
}

/** Known by revision only: everything up to the next revision counts as seen. */
function sequenceSeen(after: WatchPosition, now: ServiceState, kept: readonly ServiceState[]): number {
  if (after.sequence > 0) return after.sequence;
  const next = kept.find(({ revision }) => revision > after.revision);
  return next ? next.sequence - 1 : now.sequence;
}
