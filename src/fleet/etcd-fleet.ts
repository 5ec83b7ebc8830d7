import { isDeepStrictEqual } from "node:util";
import { setInterval } from "node:timers";
import type {
  DeployNote,
  Fleet,
  FleetMember,
  FleetSelf,
  MemberService,
  StoreStatus,
} from "../control/fleet.js";
import type { Latest, SharedCopy } from "../control/shared-service.js";
import type { Entry, EtcdClient, EtcdEvent, FollowState, HeldLease, Snapshot } from "../etcd/etcd-client.js";
import type { Logger } from "../logger.js";
import { DeployNotes } from "./deploy-notes.js";
import { EtcdList, toLatest } from "./etcd-list.js";
import { createKeys, type Keys, type LiveKind } from "./keys.js";
import { decodeMember, encodeMember, nameIn } from "./member-codec.js";
import { Namesakes } from "./namesakes.js";

export interface EtcdFleetOptions {
  readonly client: EtcdClient;
  readonly prefix: string;
  /** How long this proxy counts as live after it was heard of last. */
  readonly leaseSeconds: number;
  readonly self: FleetSelf;
  readonly logger: Logger;
}

interface Told {
  readonly text: string;
  member: FleetMember | undefined;
}

/** What could not be done is tried again this often, if nothing else happens. */
const SETTLE_MS = 1_000;
/** etcd takes so long at most to notice that a lease has run out. */
const EXPIRY_MS = 2_000;

/**
 * The fleet, as etcd tells of it. One watch follows all that is live; what it says of lists goes to the services, what it
 * says of proxies and deploys is remembered. While the watch is broken everything stays as it was last known, and the
 * status says since when.
 */
export class EtcdFleet implements Fleet {
  readonly #options: EtcdFleetOptions;
  readonly #keys: Keys;
  readonly #lease: HeldLease;
  readonly #notes: DeployNotes;
  readonly #lists = new Map<string, Entry>();
  readonly #others = new Map<string, Told>();
  readonly #namesakes: Namesakes;
  readonly #followers = new Map<string, Set<(latest: Latest) => void>>();
  readonly #watchers = new Set<() => void>();
  readonly #watch: { close(): void };
  readonly #settling: NodeJS.Timeout;
  #services: readonly MemberService[] | undefined;
  #sharesName = false;
  #epoch = 0;
  /** Of the store; undefined: nothing was heard of it. */
  #revision: bigint | undefined;
  #state: FollowState = { connected: false, error: "not connected yet" };
  #staleSinceUnixMs: number | undefined = Date.now();

  constructor(options: EtcdFleetOptions) {
    const { client, prefix, leaseSeconds, logger } = options;
    this.#options = options;
    this.#namesakes = new Namesakes(leaseSeconds * 1_000 + EXPIRY_MS);
    const keys = (this.#keys = createKeys(prefix));
    const nameOf = (id: string): string => this.members().find((member) => member.id === id)?.name ?? id;
    this.#notes = new DeployNotes({ client, keys, logger, nameOf, lease: () => this.#lease });
    this.#lease = client.holdLease(leaseSeconds, { onState: (held, error) => this.#onLease(held, error) });
    this.#watch = client.follow(keys.live, {
      onSnapshot: (snapshot) => this.#onSnapshot(snapshot),
      onEvents: (events, revision) => this.#onEvents(events, revision),
      onState: (state) => this.#onState(state),
    });
    this.#settling = setInterval(() => {
      this.#notes.settle();
      this.#checkName();
    }, SETTLE_MS).unref();
  }

  /** Resolves with whether the store was reached within the time. */
  reached(limitMs: number): Promise<boolean> {
    if (this.#state.connected) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isReached: boolean): void => {
        clearTimeout(timer);
        stop();
        resolve(isReached);
      };
      const timer = setTimeout(() => end(false), limitMs);
      const stop = this.onChange(() => {
        if (this.#state.connected) end(true);
      });
    });
  }

  get self(): string {
    return this.#options.self.id;
  }

  get store(): StoreStatus {
    const { connected } = this.#state;
    const error = this.#state.connected ? "" : this.#state.error;
    return { kind: "etcd", available: connected, staleSinceUnixMs: this.#staleSinceUnixMs, error };
  }

  members(): readonly FleetMember[] {
    const own = this.#own;
    const others = [...this.#others.values()].flatMap((told) => this.#read(told) ?? []);
    const all = [...others, ...(own ? [own] : [])];
    return all.sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id));
  }

  onChange(call: () => void): () => void {
    this.#watchers.add(call);
    return () => void this.#watchers.delete(call);
  }

  copyOf(service: string): SharedCopy {
    const { client } = this.#options;
    const [epoch, available] = [() => this.#epoch, () => this.#state.connected];
    return new EtcdList({ client, keys: this.#keys, service, epoch, available });
  }

  follow(service: string, onLatest: (latest: Latest) => void): () => void {
    const all = this.#followers.get(service) ?? new Set();
    this.#followers.set(service, all.add(onLatest));
    if (this.#revision !== undefined) this.#tell(service);
    return () => void all.delete(onLatest);
  }

  report(services: readonly MemberService[]): void {
    if (isDeepStrictEqual(services, this.#services)) return;
    this.#services = services;
    this.#tellOwn();
  }

  deployOf(service: string): DeployNote | undefined {
    return this.#notes.of(service);
  }

  async announce(service: string, note: DeployNote): Promise<() => void> {
    const withdraw = await this.#notes.announce(service, note);
    this.#changed();
    return withdraw;
  }

  /** Another process goes on under the same id: what the store has of this one is left to it. */
  handOver(): void {
    clearInterval(this.#settling);
    this.#watch.close();
    this.#options.client.close();
  }

  /** The others are told at once. */
  async close(): Promise<void> {
    clearInterval(this.#settling);
    await this.#lease.release();
    this.handOver();
  }

  /** Undefined: there is nothing to tell yet. */
  get #own(): FleetMember | undefined {
    const [sharesName, services] = [this.#sharesName, this.#services];
    return services && { ...this.#options.self, sharesName, services };
  }

  #tellOwn(): void {
    const own = this.#own;
    if (own) this.#lease.put(this.#keys.proxy(this.self), encodeMember(own));
    this.#changed();
  }

  /** To a deploy two of a name are one, that was started anew. They are not refused: the other one may be on its way out. */
  #checkName(): void {
    const others = this.#namesakes.alive(Date.now());
    const shares = others.length > 0;
    if (!this.#state.connected || shares === this.#sharesName) return;
    this.#sharesName = shares;
    const { logger, self } = this.#options;
    const facts = { name: self.name, others };
    if (shares)
      logger.warn(
        { event: "name-shared", ...facts },
        "another live proxy has the same name: give each its own --proxy-name",
      );
    else logger.info({ event: "name-free", ...facts }, "no other live proxy has the same name any more");
    this.#tellOwn();
  }

  #onSnapshot({ revision, entries }: Snapshot): void {
    const of = (kind: string): Map<string, Entry> =>
      new Map(
        entries.flatMap((entry) => {
          const about = this.#keys.parse(entry.key);
          return about?.kind === kind ? [[about.name, entry] as const] : [];
        }),
      );
    const notes = of("deploys");
    this.#notes.forgetOthers(new Set(notes.keys()));
    for (const [name, entry] of notes) this.#learners.deploys(name, entry);
    this.#others.clear();
    const proxies = of("proxies");
    this.#namesakes.keepOnly(new Set(proxies.keys()));
    for (const [id, entry] of proxies) this.#learnMember(id, entry.value);
    const lists = of("services");
    if (this.#hasBegunAnew(revision, lists)) this.#epoch += 1;
    this.#revision = revision;
    this.#lists.clear();
    for (const [name, entry] of lists) this.#lists.set(name, entry);
    for (const name of this.#followers.keys()) this.#tell(name);
    this.#changed();
  }

  /** In one history neither the store nor a key ever goes back, and a revision has one value. */
  #hasBegunAnew(revision: bigint, lists: ReadonlyMap<string, Entry>): boolean {
    const contradicts = ([name, known]: readonly [string, Entry]): boolean => {
      const now = lists.get(name);
      if (!now || now.modRevision > known.modRevision) return false;
      return now.modRevision < known.modRevision || now.value !== known.value;
    };
    return revision < (this.#revision ?? 0n) || [...this.#lists].some(contradicts);
  }

  #onEvents(events: readonly EtcdEvent[], revision: bigint): void {
    this.#revision = revision;
    for (const event of events) this.#learn(event);
    this.#changed();
  }

  #learn(event: EtcdEvent): void {
    const about = this.#keys.parse(event.type === "put" ? event.entry.key : event.key);
    if (!about) return;
    const entry = event.type === "put" ? event.entry : undefined;
    this.#learners[about.kind](about.name, entry);
  }

  readonly #learners: Readonly<Record<LiveKind, (name: string, entry: Entry | undefined) => void>> = {
    deploys: (name, entry) => this.#understand("deploys", () => this.#notes.learn(name, entry?.value)),
    proxies: (id, entry) => {
      if (entry) this.#learnMember(id, entry.value);
      else this.#forgetMember(id);
    },
    services: (name, entry) => {
      if (entry) this.#lists.set(name, entry);
      else this.#lists.delete(name);
      this.#tell(name);
    },
  };

  #learnMember(id: string, text: string): void {
    if (id === this.self) return;
    this.#others.set(id, { text, member: undefined });
    this.#understand("proxies", () => {
      if (nameIn(text) === this.#options.self.name) this.#namesakes.seen(id, Date.now());
      else this.#namesakes.gone(id);
    });
  }

  #forgetMember(id: string): void {
    this.#others.delete(id);
    this.#namesakes.gone(id);
  }

  /** Only when it is asked for: all proxies hear all that all others tell, and mostly nobody wants to know. */
  #read(told: Told): FleetMember | undefined {
    if (!told.member) this.#understand("proxies", () => void (told.member = decodeMember(told.text)));
    return told.member;
  }

  #tell(service: string): void {
    const revision = this.#revision ?? 0n;
    this.#understand("services", () => {
      const latest = toLatest(this.#lists.get(service), revision, this.#epoch);
      for (const call of this.#followers.get(service) ?? []) call(latest);
    });
  }

  /** What can't be read, as it is a later version's or someone's mistake, changes nothing here. */
  #understand(kind: string, read: () => void): void {
    try {
      read();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.error(
        { event: "store-unreadable", kind, reason },
        "the store holds what can't be read",
      );
    }
  }

  #onState(state: FollowState): void {
    const { logger } = this.#options;
    this.#state = state;
    if (state.connected) {
      const sinceUnixMs = this.#staleSinceUnixMs;
      this.#staleSinceUnixMs = undefined;
      this.#namesakes.countAnew(Date.now());
      logger.info({ event: "store-reached", sinceUnixMs }, "the lists follow the store");
      this.#notes.settle();
    } else {
      this.#staleSinceUnixMs ??= Date.now();
      if (this.#isJoined) tellUnreachable(logger, state.error);
    }
    this.#changed();
  }

  #onLease(held: boolean, error: string): void {
    const { logger } = this.#options;
    if (held) logger.info({ event: "lease-held" }, "this proxy is known to the fleet");
    else if (this.#isJoined)
      logger.warn({ event: "lease-lost", reason: error }, "this proxy may be unknown to the fleet");
    if (held) this.#notes.settle();
  }

  /** Whether the store was ever reached; until then whoever waits for that says what is wrong. */
  get #isJoined(): boolean {
    return this.#revision !== undefined;
  }

  #changed(): void {
    for (const call of [...this.#watchers]) call();
  }
}

export function tellUnreachable(logger: Logger, reason: string): void {
  logger.warn(
    { event: "store-unreachable", reason },
    "the store can't be reached: the lists known last are served, and changes are refused",
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
