import type { Commit, Guard, Write } from "./etcd-client.js";
import {
  type Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  type RequestOp,
  type TxnRequest,
  type TxnResponse,
} from "./gen/etcd/etcdserverpb/rpc.js";
import { keyRange } from "./key-range.js";
import { toEntry } from "./range-reader.js";

/** All writes if all guards hold; else what the guarded keys hold is read, in the same moment. */
export function toTransaction(guards: readonly Guard[], writes: readonly Write[]): TxnRequest {
  return {
    compare: guards.map(toCompare),
    success: writes.map(toOperation),
    failure: guards.map(({ key }) => {
      const value = { key: Buffer.from(key), rangeEnd: NONE, limit: 0n, revision: 0n, keysOnly: false };
      return { request: { $case: "requestRange", value } };
    }),
  };
}

export function fromTransaction({ header, succeeded, responses }: TxnResponse): Commit {
  const revision = header?.revision ?? 0n;
  if (succeeded) return { done: true, revision };
  const entries = responses.flatMap(({ response }) =>
    response?.$case === "responseRange" ? response.value.kvs.map(toEntry) : [],
  );
  return { done: false, revision, entries };
}

const NONE = Buffer.alloc(0);

function toCompare({ key, modRevision }: Guard): Compare {
  return {
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    key: Buffer.from(key),
    // 0 for a key that isn't there.
    targetUnion: { $case: "modRevision", value: modRevision },
  };
}

function toOperation(write: Write): RequestOp {
  if ("delete" in write)
    return { request: { $case: "requestDeleteRange", value: keyRange({ key: write.delete }) } };
  if ("deletePrefix" in write)
    return { request: { $case: "requestDeleteRange", value: keyRange({ prefix: write.deletePrefix }) } };
  const { put, value, lease = 0n } = write;
  return {
    request: { $case: "requestPut", value: { key: Buffer.from(put), value: Buffer.from(value), lease } },
  };
}
