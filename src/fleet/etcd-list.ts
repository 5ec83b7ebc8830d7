import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { MAX_HISTORY, type HistoryEntry } from "../control/history.js";
import type { Latest, SharedCopy, SharedService, Version } from "../control/shared-service.js";
import { ProxyError } from "../errors.js";
import type { Commit, EtcdClient, Entry, Write } from "../etcd/etcd-client.js";
import { EtcdError } from "../etcd/etcd-error.js";
import type { Keys } from "./keys.js";
import { decodeChange, decodeShared, encodeChange, encodeShared, type Written } from "./shared-codec.js";
import { storeError } from "./store-error.js";

export interface EtcdListOptions {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly service: string;
  /** How often the store has begun anew. */
  readonly epoch: () => number;
  /** Whether the store is known to be reachable. */
  readonly available: () => boolean;
}

/** For the store to answer: longer while it is merely electing, and so short while it is known to be gone that callers are told. */
const ANSWER_MS = { available: 5_000, gone: 1_500 };

/** How long a change whose outcome is not known is followed up before its caller is told so. */
const FOLLOW_UP_MS = 5_000;
const FOLLOW_UP_PAUSE_MS = 100;

/**
 * The shared list of a service in etcd. A change is one transaction that holds only if the list is still the one that
 * was seen. If its outcome is lost on the way, the store is asked: every write has a name of its own, which is found in
 * the list, or in the history if another proxy has changed the list since. Making the same transaction again is safe,
 * as it can hold only once.
 */
export class EtcdList implements SharedCopy {
  readonly #options: EtcdListOptions;
  readonly #key: string;
  /** Why the outcome of the last attempt is not known. */
  #lost = "";

  constructor(options: EtcdListOptions) {
    this.#options = options;
    this.#key = options.keys.service(options.service);
  }

  async latest(): Promise<Latest> {
    const { client, epoch, available } = this.#options;
    const limitMs = available() ? ANSWER_MS.available : ANSWER_MS.gone;
    const { revision, entries } = await client.read({ key: this.#key }, limitMs).catch(fail);
    return toLatest(entries[0], revision, epoch());
  }

  async replace(seen: Version, next: SharedService): Promise<Version | undefined> {
    const written = { write: randomUUID(), value: next };
    const until = Date.now() + FOLLOW_UP_MS;
    for (let isFirst = true; ; isFirst = false) {
      const known = await this.#attempt(seen, written).catch((error: unknown) => {
        // What fails later says nothing of the attempt before.
        if (isFirst) throw storeError(error);
        return undefined;
      });
      if (known) return known.version;
      if (Date.now() > until) throw unknownOutcome(this.#lost);
      await sleep(FOLLOW_UP_PAUSE_MS);
    }
  }

  async remove(seen: Version): Promise<boolean> {
    const { client, keys, service } = this.#options;
    const writes = [{ delete: this.#key }, { deletePrefix: keys.history(service) }];
    const guard = { key: this.#key, modRevision: seen.number };
    try {
      return (await client.commit([guard], writes)).done;
    } catch (error) {
      const isUnknown = error instanceof EtcdError && error.kind === "unknown";
      // A list that was put there since has another one's history.
      if (isUnknown && !(await this.latest()).version.exists) return true;
      throw isUnknown ? unknownOutcome(error.message) : storeError(error);
    }
  }

  async changes(from: number, to: number): Promise<readonly HistoryEntry[]> {
    const { client, keys, service } = this.#options;
    const { entries } = await client.read({ prefix: keys.history(service) }).catch(fail);
    return entries
      .flatMap(({ value }) => readChange(value)?.value ?? [])
      .filter(({ revision }) => revision >= from && revision <= to);
  }

  /** The version that was made; none, if another proxy was quicker; or undefined, if that can't be told. */
  async #attempt(seen: Version, written: Written<SharedService>): Promise<Attempted | undefined> {
    const commit = await this.#commit(seen, written);
    if (!commit) return undefined;
    const epoch = this.#options.epoch();
    if (commit.done) return { version: { epoch, number: commit.revision, exists: true } };
    const [entry] = commit.entries;
    if (entry && decodeShared(entry.value).write === written.write)
      return { version: { epoch, number: entry.modRevision, exists: true } };
    // Another proxy's change came after ours: its own will be heard of.
    if (await this.#wasMade(written)) return { version: { ...seen, number: seen.number + 1n, exists: true } };
    return { version: undefined };
  }

  /** Undefined: it is not known whether it was carried out. */
  async #commit(seen: Version, written: Written<SharedService>): Promise<Commit | undefined> {
    const { client, keys, service } = this.#options;
    const { revision } = written.value;
    const oldest = revision - MAX_HISTORY;
    const writes: readonly Write[] = [
      { put: this.#key, value: encodeShared(written) },
      { put: keys.change(service, revision), value: encodeChange(written) },
      ...(oldest > 0 ? [{ delete: keys.change(service, oldest) }] : []),
    ];
    const guard = { key: this.#key, modRevision: seen.exists ? seen.number : 0n };
    return client.commit([guard], writes).catch((error: unknown) => {
      if (!(error instanceof EtcdError) || error.kind !== "unknown") throw error;
      this.#lost = error.message;
      return undefined;
    });
  }

  /** Whether a write is in the history, though the list is another one by now. */
  async #wasMade({ write, value: { revision } }: Written<SharedService>): Promise<boolean> {
    const { client, keys, service } = this.#options;
    const { entries } = await client.read({ key: keys.change(service, revision) });
    return entries.some(({ value }) => readChange(value)?.write === write);
  }
}

interface Attempted {
  readonly version: Version | undefined;
}

/** @param revision of the whole store */
export function toLatest(entry: Entry | undefined, revision: bigint, epoch: number): Latest {
  if (!entry) return { service: undefined, version: { epoch, number: revision, exists: false } };
  const version = { epoch, number: entry.modRevision, exists: true };
  try {
    return { service: decodeShared(entry.value).value, version };
  } catch (error) {
    throw storeError(error);
  }
}

/** Undefined: a later version's, or someone's mistake. The list does not depend on how it came about. */
function readChange(text: string): Written<HistoryEntry> | undefined {
  try {
    return decodeChange(text);
  } catch {
    return undefined;
  }
}

function fail(error: unknown): never {
  throw storeError(error);
}

const unknownOutcome = (why: string): ProxyError =>
  new ProxyError(
    "STORE_UNAVAILABLE",
    `the store did not answer whether the change was made (${why}): read the list before you try again`,
    { details: { outcome: "unknown" } },
  );
