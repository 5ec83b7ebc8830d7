import type { Entry, ReadRange, Snapshot } from "./etcd-client.js";
import { EtcdError } from "./etcd-error.js";
import { CallError, type Failure } from "./failure.js";
import type { KeyValue, RangeRequest, RangeResponse, ResponseHeader } from "./gen/etcd/etcdserverpb/rpc.js";
import { keyRange, nextKey } from "./key-range.js";

/** etcd takes values up to 1.5 MiB by default, so that a page of the biggest fits in a message. */
const PAGE = 40;
/** Without values. */
const KEYS_PAGE = 10_000;
const TRIES = 3;
const MOVED: Failure = { kind: "invalid", reason: "revision" };

export interface Listing extends Snapshot {
  readonly clusterId: bigint;
}

export interface ListOptions {
  /** As it was then; 0n: now. */
  readonly revision?: bigint;
  /** Values are left out. */
  readonly keysOnly?: boolean;
}

/** All in the range at one revision, in as many calls as it takes. */
export async function list(
  call: (request: RangeRequest) => Promise<RangeResponse>,
  what: ReadRange,
  options: ListOptions = {},
): Promise<Listing> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listOnce(call, what, options);
    } catch (error) {
      // Compacted, or wiped, between two pages: the next try reads a newer revision.
      const moved =
        error instanceof CallError && error.reason === "revision" && options.revision === undefined;
      if (!moved || tries === TRIES) throw error;
    }
  }
}

async function listOnce(
  call: (request: RangeRequest) => Promise<RangeResponse>,
  what: ReadRange,
  { revision: wanted = 0n, keysOnly = false }: ListOptions,
): Promise<Listing> {
  const range = keyRange(what);
  const limit = BigInt(keysOnly ? KEYS_PAGE : PAGE);
  const entries: Entry[] = [];
  let request: RangeRequest = { ...range, limit, revision: wanted, keysOnly };
  for (let clusterId: bigint | undefined; ;) {
    const { kvs, more, ...page } = await call(request);
    const header = headerOf(page, clusterId);
    clusterId = header.clusterId;
    for (const pair of kvs) entries.push(toEntry(pair));
    // The first page says at which revision the others are to be read.
    const revision = request.revision === 0n ? header.revision : request.revision;
    const last = kvs.at(-1);
    if (!more || !last) return { clusterId, revision, entries };
    request = { ...request, key: nextKey(last.key), revision };
  }
}

function headerOf({ header }: Pick<RangeResponse, "header">, clusterId: bigint | undefined): ResponseHeader {
  if (!header) throw new EtcdError("unknown", "etcd: an answer has no header");
  if (clusterId === undefined || header.clusterId === clusterId) return header;
  throw new CallError(MOVED, "etcd: another cluster answers");
}

export function toEntry({ key, value, modRevision }: KeyValue): Entry {
  return { key: key.toString(), value: value.toString(), modRevision };
}
