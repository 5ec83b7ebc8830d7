import { isDeepStrictEqual } from "node:util";
import { MAX_HISTORY, recordChange, type HistoryEntry } from "./history.js";
import type { Ledger } from "./ledger.js";
import type { ServiceRecord } from "./service-record.js";

/** What the proxies of a fleet have in common of a service: a change made through one is made in all. */
export interface SharedService extends Pick<
  ServiceRecord,
  "revision" | "list" | "healthCheck" | "pause" | "drainLimits" | "trial" | "returnTo"
> {
  /** How the list came about. */
  readonly change: Omit<HistoryEntry, "list" | "ledger">;
}

/** A shared service as the store had it at one moment. */
export interface Latest {
  /** Undefined: the store has none. */
  readonly service: SharedService | undefined;
  readonly version: Version;
}

/** Which of two is later. What a store that began anew says is later than all it said before. */
export interface Version {
  /** One higher when the store has begun anew. */
  readonly epoch: number;
  readonly number: bigint;
  /** Whether the store had it then. */
  readonly exists: boolean;
}

/** Nothing was seen of the store yet. */
export const UNSEEN: Version = { epoch: -1, number: 0n, exists: false };

export function isLater(a: Version, b: Version): boolean {
  return a.epoch === b.epoch ? a.number > b.number : a.epoch > b.epoch;
}

/** The one place where a service's list is shared. */
export interface SharedCopy {
  /** Asked of the store. @throws ProxyError STORE_UNAVAILABLE */
  latest(): Promise<Latest>;
  /**
   * Puts the next in the place of what was seen; undefined: someone else was quicker, and nothing has changed.
   * @throws ProxyError STORE_UNAVAILABLE; with details.outcome `unknown` it may be done all the same
   */
  replace(seen: Version, next: SharedService): Promise<Version | undefined>;
  /**
   * Takes it out of the store, with its history; false: someone else has changed it since it was seen.
   * @throws as `replace`
   */
  remove(seen: Version): Promise<boolean>;
  /** The changes of these revisions, as far as the store still has them, the oldest first. @throws as `latest` */
  changes(from: number, to: number): Promise<readonly HistoryEntry[]>;
}

export function sharedPart(record: ServiceRecord): SharedService {
  const { revision, list, healthCheck, pause, drainLimits, trial, returnTo, history } = record;
  const last = history.at(-1);
  if (!last) throw new Error("a record without a history");
  const { atUnixMs, verb, actor, from } = last;
  return {
    revision,
    list,
    healthCheck,
    pause,
    drainLimits,
    trial,
    returnTo,
    change: { revision, atUnixMs, verb, actor, from },
  };
}

/** Whether the fleet has to be told. */
export function differs(a: ServiceRecord, b: ServiceRecord): boolean {
  return a !== b && !isDeepStrictEqual(sharedPart(a), sharedPart(b));
}

export interface Joined {
  readonly record: ServiceRecord;
  readonly version: Version;
  /** The store had the list already. */
  readonly wasThere: boolean;
}

/**
 * What a proxy begins with: the store's list and history, or, if the store has none, its own, which it puts there.
 * @param accept throws if what the store has will not do
 * @throws ProxyError STORE_UNAVAILABLE, and what `accept` throws
 */
export async function joinShared(
  copy: SharedCopy,
  record: ServiceRecord,
  accept: (there: SharedService) => void = () => undefined,
): Promise<Joined> {
  for (;;) {
    const { service, version: seen } = await copy.latest();
    if (service) {
      accept(service);
      const joined = joinRecord(record, service, await historyOf(copy, service));
      return { record: joined, version: seen, wasThere: true };
    }
    const version = await copy.replace(seen, sharedPart(record));
    if (version) return { record, version, wasThere: false };
  }
}

/** A record from before with what the store has now, which may have begun anew meanwhile. */
export function joinRecord(
  record: ServiceRecord,
  { change, ...shared }: SharedService,
  earlier: readonly HistoryEntry[],
): ServiceRecord {
  const ledgers = new Map(
    record.history.map(({ revision, atUnixMs, ledger }) => [`${revision} ${atUnixMs}`, ledger]),
  );
  const history = [...earlier, { ...change, list: shared.list }].map((entry) => {
    const ledger = ledgers.get(`${entry.revision} ${entry.atUnixMs}`);
    return { ...entry, ...(ledger && { ledger }) };
  });
  const goesBack = shared.revision < record.revision;
  const instanceId = goesBack ? `${record.instanceId}/${change.atUnixMs}` : record.instanceId;
  return { ...record, ...shared, instanceId, history };
}

export function historyOf(copy: SharedCopy, { revision }: SharedService): Promise<readonly HistoryEntry[]> {
  return copy.changes(Math.max(revision - MAX_HISTORY + 1, 1), revision - 1);
}

/** The changes that were made between a record and what the store has now. */
export async function missedBetween(
  copy: SharedCopy,
  before: ServiceRecord,
  now: SharedService,
): Promise<readonly HistoryEntry[]> {
  const from = Math.max(before.revision + 1, now.revision - MAX_HISTORY + 1);
  return from < now.revision ? copy.changes(from, now.revision - 1) : [];
}

/**
 * The record with what another proxy has changed.
 * @param missed changes between the two, if there were several
 * @param ledger of the revision that was in force here until now
 */
export function withShared(
  record: ServiceRecord,
  { change, ...shared }: SharedService,
  missed: readonly HistoryEntry[],
  ledger: Ledger,
): ServiceRecord {
  if (shared.revision === record.revision) return { ...record, ...shared };
  const last = { ...change, list: shared.list };
  const [first = last, ...rest] = missed;
  const history = recordChange(record.history, first, ledger);
  const all = first === last ? history : [...history, ...rest, last];
  return { ...record, ...shared, history: all.slice(-MAX_HISTORY) };
}
