import { ProxyError } from "../../errors.js";
import type { DeployNote, Fleet, FleetMember, MemberService } from "../fleet.js";
import type { HistoryEntry } from "../history.js";
import type { Latest, SharedCopy, SharedService, Version } from "../shared-service.js";

interface Kept {
  readonly service: SharedService;
  readonly number: bigint;
}

/** A store in memory with what several proxies share; the test says what can be reached, and what is lost. */
export class FakeStore {
  readonly #lists = new Map<string, Kept>();
  readonly #history = new Map<string, HistoryEntry[]>();
  readonly members = new Map<string, FleetMember>();
  readonly notes = new Map<string, DeployNote>();
  readonly proxies: FakeFleet[] = [];
  #revision = 0n;
  /** Runs before each replacement. */
  onReplace: () => Promise<void> = () => Promise.resolve();
  isDown = false;

  get(service: string): Latest {
    const kept = this.#lists.get(service);
    const number = kept?.number ?? this.#revision;
    return { service: kept?.service, version: { epoch: 0, number, exists: kept !== undefined } };
  }

  put(name: string, service: SharedService): Version {
    this.#revision += 1n;
    this.#lists.set(name, { service, number: this.#revision });
    const changes = (this.#history.get(name) ?? []).filter(({ revision }) => revision !== service.revision);
    this.#history.set(name, [...changes, { ...service.change, list: service.list }]);
    this.tell(name);
    return { epoch: 0, number: this.#revision, exists: true };
  }

  lose(name: string): void {
    this.#revision += 1n;
    this.#lists.delete(name);
    this.tell(name);
  }

  /** Nobody has it any more. */
  forget(name: string): void {
    this.#history.delete(name);
    this.lose(name);
  }

  history(name: string): readonly HistoryEntry[] {
    return this.#history.get(name) ?? [];
  }

  tell(name: string): void {
    for (const proxy of this.proxies) if (!proxy.isDeaf) proxy.hear(name, this.get(name));
  }

  changed(): void {
    for (const proxy of this.proxies) proxy.changed();
  }

  requireUp(): void {
    if (this.isDown) throw new ProxyError("STORE_UNAVAILABLE", "the store is down");
  }
}

/** One proxy's view of the store. */
export class FakeFleet implements Fleet {
  readonly self: string;
  readonly #store: FakeStore;
  readonly #followers = new Map<string, (latest: Latest) => void>();
  readonly #watchers = new Set<() => void>();
  name: string;
  startedUnixMs = 1;
  /** Hears nothing of changes by others. */
  isDeaf = false;
  /** Does not know whether it hears of them. */
  isCutOff = false;

  constructor(self: string, store: FakeStore) {
    this.self = self;
    this.name = `name-${self}`;
    this.#store = store;
    store.proxies.push(this);
  }

  get store(): Fleet["store"] {
    const available = !this.#store.isDown && !this.isCutOff;
    return { kind: "etcd", available, staleSinceUnixMs: available ? undefined : 1, error: "" };
  }

  members(): readonly FleetMember[] {
    return [...this.#store.members.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  onChange(call: () => void): () => void {
    this.#watchers.add(call);
    return () => void this.#watchers.delete(call);
  }

  copyOf(service: string): SharedCopy {
    const store = this.#store;
    return {
      async latest() {
        await Promise.resolve();
        store.requireUp();
        return store.get(service);
      },
      async replace(seen, next) {
        await store.onReplace();
        store.requireUp();
        const { version } = store.get(service);
        if (version.exists !== seen.exists || (seen.exists && version.number !== seen.number))
          return undefined;
        return store.put(service, next);
      },
      async remove(seen) {
        await store.onReplace();
        store.requireUp();
        const { version } = store.get(service);
        if (!version.exists || version.number !== seen.number) return false;
        store.forget(service);
        return true;
      },
      changes: (from, to) =>
        Promise.resolve(store.history(service).filter(({ revision }) => revision >= from && revision <= to)),
    };
  }

  follow(service: string, onLatest: (latest: Latest) => void): () => void {
    this.#followers.set(service, onLatest);
    return () => void this.#followers.delete(service);
  }

  report(services: readonly MemberService[]): void {
    const { self: id, name, startedUnixMs } = this;
    this.#store.members.set(id, { id, name, startedUnixMs, version: "1", sharesName: false, services });
    this.#store.changed();
  }

  deployOf(service: string): DeployNote | undefined {
    return this.#store.notes.get(service);
  }

  announce(service: string, note: DeployNote): Promise<() => void> {
    if (this.#store.notes.has(service))
      return Promise.reject(new ProxyError("DEPLOY_IN_PROGRESS", "another deploy is under way"));
    this.#store.notes.set(service, note);
    this.#store.changed();
    return Promise.resolve(() => {
      this.#store.notes.delete(service);
      this.#store.changed();
    });
  }

  /** Its lease runs out. */
  vanish(): void {
    this.#store.members.delete(this.self);
    this.#store.changed();
  }

  hear(service: string, latest: Latest): void {
    this.#followers.get(service)?.(latest);
  }

  changed(): void {
    for (const call of [...this.#watchers]) call();
  }

  handOver(): void {
    this.#watchers.clear();
  }

  close(): Promise<void> {
    this.vanish();
    return Promise.resolve();
  }
}
