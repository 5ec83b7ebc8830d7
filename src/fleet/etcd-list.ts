import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryEntry } from "../control/history.js";
import { MAX_HISTORY } from "../control/history.js";
import type { Latest, SharedCopy, SharedService, Version } from "../control/shared-service.js";
import { ProxyError } from "../errors.js";
import type { Commit, EtcdClient, Entry } from "../etcd/etcd-client.js";
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
}

/** How long a change whose outcome is not known is followed up before its caller is told so. */
const FOLLOW_UP_MS = 5_000;
const FOLLOW_UP_PAUSE_MS = 100;

/**
 * The shared list of a service in etcd. A change is one transaction that holds only if the list is still the one that
 * was seen. If its outcome is lost on the way, the store is asked: every write has a name of its own, which is found in
 * the list, or in the history if another proxy has changed the list since. Making the same transaction again is safe,
 * as it can hold only once.
 */
export function createEtcdList({ client, keys, service, epoch }: EtcdListOptions): SharedCopy {
  const key = keys.service(service);

  const latest = async (): Promise<Latest> => {
    const { revision, entries } = await client.read({ key }).catch(fail);
    return toLatest(entries[0], revision, epoch());
  };

  const attempt = async (seen: Version, written: Written<SharedService>): Promise<Commit | undefined> => {
    const { revision } = written.value;
    const writes = [
      { put: key, value: encodeShared(written) },
      { put: keys.change(service, revision), value: encodeChange(written) },
      ...(revision > MAX_HISTORY ? [{ delete: keys.change(service, revision - MAX_HISTORY) }] : []),
    ];
    const modRevision = seen.exists ? seen.number : 0n;
    return client.commit([{ key, modRevision }], writes).catch((error: unknown) => {
      if (error instanceof EtcdError && error.kind === "unknown") return undefined;
      throw storeError(error);
    });
  };

  /** Whether a write is in the history, though the list is another one by now. */
  const wasMade = async ({ write, value: { revision } }: Written<SharedService>): Promise<boolean> => {
    const { entries } = await client.read({ key: keys.change(service, revision) });
    return entries.some(({ value }) => decodeChange(value).write === write);
  };

  /** What became of an attempt, as far as can be told: the version it made, or that it was none, or undefined. */
  const outcome = async (
    commit: Commit | undefined,
    seen: Version,
    written: Written<SharedService>,
  ): Promise<{ readonly version: Version | undefined } | undefined> => {
    if (commit?.done) return { version: { epoch: epoch(), number: commit.revision, exists: true } };
    if (!commit) return undefined;
    const [entry] = commit.entries;
    if (entry && decodeShared(entry.value).write === written.write)
      return { version: { epoch: epoch(), number: entry.modRevision, exists: true } };
    // Another proxy's change came after ours: its own will be heard of.
    if (await wasMade(written)) return { version: { ...seen, number: seen.number + 1n, exists: true } };
    return { version: undefined };
  };

  return {
    latest,
    async replace(seen, next) {
      const written = { write: randomUUID(), value: next };
      const until = Date.now() + FOLLOW_UP_MS;
      for (let isFirst = true; ; isFirst = false) {
        const known = await attempt(seen, written)
          .then((commit) => outcome(commit, seen, written))
          .catch((error: unknown) => {
            // What fails later says nothing of the attempt before.
            if (isFirst) throw storeError(error);
            return undefined;
          });
        if (known) return known.version;
        if (Date.now() > until) throw unknownOutcome();
        await sleep(FOLLOW_UP_PAUSE_MS);
      }
    },
    async changes(from, to) {
      const { entries } = await client.read({ prefix: keys.history(service) }).catch(fail);
      return entries
        .map(({ value }): HistoryEntry => decodeChange(value).value)
        .filter(({ revision }) => revision >= from && revision <= to);
    },
  };
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

function fail(error: unknown): never {
  throw storeError(error);
}

const unknownOutcome = (): ProxyError =>
  new ProxyError(
    "STORE_UNAVAILABLE",
    "the store did not answer whether the change was made: read the list before you try again",
    { details: { outcome: "unknown" } },
  );
