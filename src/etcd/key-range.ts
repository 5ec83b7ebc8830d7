import type { ReadRange } from "./etcd-client.js";

/** A range as etcd takes it: from `key` to before `rangeEnd`. */
export interface KeyRange {
  readonly key: Buffer;
  /** Empty: `key` alone. A zero byte: all from `key` on. */
  readonly rangeEnd: Buffer;
}

const ZERO = Buffer.from([0]);

export function keyRange(what: ReadRange): KeyRange {
  if ("key" in what) return { key: Buffer.from(what.key), rangeEnd: Buffer.alloc(0) };
  const prefix = Buffer.from(what.prefix);
  // etcd takes no empty key; the zero byte is the first one that there can be.
  return { key: prefix.length === 0 ? ZERO : prefix, rangeEnd: prefixEnd(prefix) };
}

/** The first key after all that begin with the prefix, in the order of bytes. */
export function prefixEnd(prefix: Buffer): Buffer {
  for (let last = prefix.length - 1; last >= 0; last -= 1) {
    const byte = prefix[last] ?? 0xff;
    if (byte < 0xff) return Buffer.concat([prefix.subarray(0, last), Buffer.from([byte + 1])]);
  }
  return ZERO;
}

/** The first key after this one. */
export function nextKey(key: Buffer): Buffer {
  return Buffer.concat([key, ZERO]);
}
