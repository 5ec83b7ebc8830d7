import type { Entry, EtcdEvent, Follower, FollowState, Snapshot } from "../etcd-client.js";

/** A follower that keeps what it is told, and checks that the order is as promised. */
export class Recorder implements Follower {
  readonly snapshots: Snapshot[] = [];
  readonly events: EtcdEvent[] = [];
  readonly states: FollowState[] = [];
  /** What there is, as far as it was told. */
  readonly entries = new Map<string, Entry>();
  readonly faults: string[] = [];
  #revision = 0n;
  #look = (): void => undefined;

  onSnapshot(snapshot: Snapshot): void {
    this.snapshots.push(snapshot);
    this.entries.clear();
    for (const entry of snapshot.entries) this.entries.set(entry.key, entry);
    this.#revision = snapshot.revision;
    this.#look();
  }

  onEvents(events: readonly EtcdEvent[], revision: bigint): void {
    if (this.snapshots.length === 0) this.faults.push("events before a snapshot");
    let last = this.#revision + 1n;
    for (const event of events) {
      const at = event.type === "put" ? event.entry.modRevision : event.modRevision;
      if (at < last) this.faults.push(`an event of revision ${at} after one of ${last}`);
      last = at;
      if (event.type === "put") this.entries.set(event.entry.key, event.entry);
      else this.entries.delete(event.key);
    }
    if (last !== revision) this.faults.push(`said to be at ${revision}, and is at ${last}`);
    this.events.push(...events);
    this.#revision = revision;
    this.#look();
  }

  onState(state: FollowState): void {
    if (state.connected === this.states.at(-1)?.connected) this.faults.push("told of a state that isn't new");
    this.states.push(state);
    this.#look();
  }

  get connected(): boolean {
    return this.states.at(-1)?.connected === true;
  }

  value(key: string): string | undefined {
    return this.entries.get(key)?.value;
  }

  /** The errors of all states that had one. */
  get errors(): string[] {
    return this.states.flatMap((state) => (state.connected ? [] : [state.error]));
  }

  /** Waits until it is so; gives how many milliseconds that took. */
  async until(holds: () => boolean, limitMs = 15_000): Promise<number> {
    const startedAt = performance.now();
    await new Promise<void>((resolve, reject) => {
      const told = JSON.stringify({ states: this.states, keys: [...this.entries.keys()].slice(-10) });
      const late = setTimeout(() => reject(new Error(`not so: ${holds.toString()}; ${told}`)), limitMs);
      this.#look = () => {
        if (!holds()) return;
        clearTimeout(late);
        resolve();
      };
      this.#look();
    });
    this.#look = () => undefined;
    return performance.now() - startedAt;
  }
}
