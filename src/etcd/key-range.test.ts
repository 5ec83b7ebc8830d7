import assert from "node:assert/strict";
import { test } from "node:test";
import { keyRange, nextKey, prefixEnd } from "./key-range.js";

test("a prefix ends before the first key that doesn't begin with it", () => {
  const end = (...bytes: number[]): number[] => [...prefixEnd(Buffer.from(bytes))];
  assert.deepEqual(end(0x61, 0x62), [0x61, 0x63]);
  assert.deepEqual(end(0x61, 0xff), [0x62]);
  assert.deepEqual(end(0x61, 0xff, 0xff), [0x62]);
  assert.deepEqual(end(0xff, 0xff), [0]);
  assert.deepEqual(end(), [0]);
});

test("a range is one key, all that begin with a prefix, or everything", () => {
  const range = (what: Parameters<typeof keyRange>[0]): number[][] => {
    const { key, rangeEnd } = keyRange(what);
    return [[...key], [...rangeEnd]];
  };
  assert.deepEqual(range({ key: "ab" }), [[0x61, 0x62], []]);
  assert.deepEqual(range({ prefix: "ab" }), [
    [0x61, 0x62],
    [0x61, 0x63],
  ]);
  assert.deepEqual(range({ prefix: "ü" }), [
    [0xc3, 0xbc],
    [0xc3, 0xbd],
  ]);
  assert.deepEqual(range({ prefix: "" }), [[0], [0]]);
});

test("nothing fits between a key and the next one", () => {
  assert.deepEqual([...nextKey(Buffer.from("a"))], [0x61, 0]);
});
