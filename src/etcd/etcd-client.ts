/** Keys and values are UTF-8 text. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  /** The etcd revision at which it was written last. */
  readonly modRevision: bigint;
}

/** What there was at one revision; entries are ordered by key. */
export interface Snapshot {
  readonly revision: bigint;
  readonly entries: readonly Entry[];
}

/** Holds if the key was written last at this revision; 0n: if there is no such key. */
export interface Guard {
  readonly key: string;
  readonly modRevision: bigint;
}

export type Write =
  | { readonly put: string; readonly value: string; readonly lease?: bigint }
  | { readonly delete: string }
  | { readonly deletePrefix: string };

export type Commit =
  | { readonly done: true; readonly revision: bigint }
  /** A guard did not hold, so nothing was written; `entries` is what the guarded keys hold now. */
  | { readonly done: false; readonly revision: bigint; readonly entries: readonly Entry[] };

export type EtcdEvent =
  | { readonly type: "put"; readonly entry: Entry }
  | { readonly type: "delete"; readonly key: string; readonly modRevision: bigint };

export type FollowState =
  { readonly connected: true } | { readonly connected: false; readonly error: string };

export interface Follower {
  /**
   * All there is under the prefix: at the beginning, and again whenever events may have been missed (compaction,
   * another cluster, a revision lower than one seen).
   */
  onSnapshot(snapshot: Snapshot): void;
  /**
   * In order, none missing, none twice since the snapshot. All events of one revision come together; `revision` is
   * the last of these.
   */
  onEvents(events: readonly EtcdEvent[], revision: bigint): void;
  /**
   * Not connected, with the reason in words, as soon as the watch is known to be broken or silent; connected once
   * it has caught up. Called on changes only, the first time when it has first connected or failed to.
   */
  onState(state: FollowState): void;
}

export interface LeaseEvents {
  /** Called on changes only; `error` is "" while the lease is held and all that was put is written under it. */
  onState(held: boolean, error: string): void;
}

export interface HeldLease {
  /** Undefined while none is held. */
  readonly id: bigint | undefined;
  /** Remembered, written as soon as may be, and written again under a new lease. */
  put(key: string, value: string): void;
  delete(key: string): void;
  /** Revokes it, with which etcd deletes the keys. Resolves also if etcd can't be asked: then they expire. */
  release(): Promise<void>;
}

export type ReadRange = { readonly key: string } | { readonly prefix: string };

export interface EtcdClient {
  /**
   * Linearizable. Tried on the next endpoint after a failure, until `limitMs` (5,000) are over; a big prefix is read in
   * pages, each of which may take that long.
   */
  read(what: ReadRange, limitMs?: number): Promise<Snapshot>;
  /**
   * All writes, or none if a guard does not hold. One attempt; moved to the next endpoint only when it surely was
   * not carried out, until `limitMs` (5,000) are over. Rejects with kind "unknown" when it may have been.
   */
  commit(guards: readonly Guard[], writes: readonly Write[], limitMs?: number): Promise<Commit>;
  follow(prefix: string, follower: Follower): { close(): void };
  /** Grants a lease, keeps it alive, and grants a new one if it was lost. */
  holdLease(ttlSeconds: number, events: LeaseEvents): HeldLease;
  /** Ends all that is under way; leases are not revoked, they run out. */
  close(): void;
}
