import type { EtcdEvent } from "./etcd-client.js";
import type { Event, ResponseHeader, WatchResponse } from "./gen/etcd/etcdserverpb/rpc.js";
import { toEntry } from "./range-reader.js";

/** How far a follower has come, and in which cluster. */
export interface Position {
  readonly clusterId: bigint;
  /** All events up to it have been passed on. */
  readonly revision: bigint;
}

/** What to do next after a message of the watch. */
export type Step =
  /** The watch is there; there was no position, so list now. */
  | { readonly do: "list" }
  /** The watch is there, and nothing speaks against going on from the position; see whether it is the same history. */
  | { readonly do: "verify" }
  | { readonly do: "pass on"; readonly events: readonly EtcdEvent[]; readonly revision: bigint }
  /** Nothing but a sign of life. `current`: an answer to a progress request. */
  | { readonly do: "nothing"; readonly current: boolean }
  /** Events may have been missed: begin anew without a position. */
  | { readonly do: "relist"; readonly why: string }
  /** The watch has ended, but the position is still good. */
  | { readonly do: "end"; readonly why: string; readonly denied: boolean };

/**
 * Decides from where a watch goes on and what its messages mean; knows no streams and no clock.
 *
 * A watch is opened first and the prefix is listed or verified while it is open: what happens after its opening comes
 * over the watch, what happened before is in the list, and events of revisions that the list includes are left out.
 */
export class Resumption {
  #position: Position | undefined;
  /** Of the store when the watch was opened. */
  #openedAt = 0n;

  get position(): Position | undefined {
    return this.#position;
  }

  /** A new watch; gives the first revision whose events it is to bring. 0n: from now on. */
  begin(): bigint {
    this.#openedAt = 0n;
    return this.#position ? this.#position.revision + 1n : 0n;
  }

  /** Whether events that happened before the watch was opened may still be to come. */
  get behind(): boolean {
    return (this.#position?.revision ?? 0n) < this.#openedAt;
  }

  /** What was listed while the watch was open. False if it comes from elsewhere than the watch. */
  listed(listing: Position, header: ResponseHeader | undefined): boolean {
    if (listing.clusterId !== header?.clusterId || listing.revision < header.revision) return false;
    this.#position = { clusterId: listing.clusterId, revision: listing.revision };
    return true;
  }

  /** There is no telling what was missed. */
  forget(): void {
    this.#position = undefined;
  }

  /** The answer shows that all there was has come. */
  caughtUp(): void {
    this.#openedAt = 0n;
  }

  take(message: WatchResponse): Step {
    const { canceled, compactRevision, created, events, header } = message;
    if (compactRevision > 0n)
      return { do: "relist", why: `etcd has compacted up to revision ${compactRevision}` };
    if (canceled) return ended(message.cancelReason);
    if (created) return this.#opened(header);
    if (this.#position && header && header.clusterId !== this.#position.clusterId)
      return { do: "relist", why: "another cluster answers" };
    return events.length === 0 ? { do: "nothing", current: true } : this.#passOn(events);
  }

  #opened(header: ResponseHeader | undefined): Step {
    this.#openedAt = header?.revision ?? 0n;
    if (!this.#position) return { do: "list" };
    if (header?.clusterId !== this.#position.clusterId)
      return { do: "relist", why: "another cluster answers" };
    // Its data was lost, or put back from a copy; or this member lags behind, which a list makes good as well.
    if (header.revision < this.#position.revision)
      return {
        do: "relist",
        why: `etcd is at revision ${header.revision}, and was at ${this.#position.revision}`,
      };
    return { do: "verify" };
  }

  #passOn(all: readonly Event[]): Step {
    const { clusterId = 0n, revision: before = 0n } = this.#position ?? {};
    const events = all.flatMap(({ type, kv }): EtcdEvent[] => {
      if (!kv || kv.modRevision <= before) return [];
      const entry = toEntry(kv);
      if (type === EVENT_PUT) return [{ type: "put", entry }];
      return [{ type: "delete", key: entry.key, modRevision: entry.modRevision }];
    });
    if (events.length === 0) return { do: "nothing", current: false };
    const revision = all.reduce(
      (most, { kv }) => (kv && kv.modRevision > most ? kv.modRevision : most),
      before,
    );
    this.#position = { clusterId, revision };
    return { do: "pass on", events, revision };
  }
}

const EVENT_PUT = 0;

/** A reason comes in words alone. 3.4 says "permission denied" also when the token is no longer good. */
function ended(reason: string): Step {
  const denied = /permission denied|auth token|user name is empty|revision in header is old|auth store/.test(
    reason,
  );
  return { do: "end", why: reason === "" ? "etcd has ended the watch" : reason, denied };
}
