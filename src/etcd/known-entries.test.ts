import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownEntries } from "./known-entries.js";

const entry = (key: string, modRevision: bigint, value = "v") => ({ key, value, modRevision });

function known(): KnownEntries {
  const entries = new KnownEntries();
  entries.replace([entry("a", 3n), entry("b", 2n)]);
  return entries;
}

test("the same keys with the same revisions are known again", () => {
  assert.equal(known().hasKeys([entry("a", 3n, ""), entry("b", 2n, "")]), true);
  assert.equal(known().hasKeys([entry("a", 3n, "")]), false);
  assert.equal(known().hasKeys([entry("a", 3n, ""), entry("b", 4n, "")]), false);
  assert.equal(known().hasKeys([entry("a", 3n, ""), entry("c", 2n, "")]), false);
  assert.equal(known().hasKeys([entry("a", 3n, ""), entry("b", 2n, ""), entry("c", 1n, "")]), false);
});

test("the entry written last is known by its value", () => {
  assert.equal(known().newest(), "a");
  assert.equal(known().has(entry("a", 3n)), true);
  assert.equal(known().has(entry("a", 3n, "w")), false);
  assert.equal(known().has(entry("a", 2n)), false);
  assert.equal(known().has(entry("c", 3n)), false);
  assert.equal(new KnownEntries().newest(), undefined);
});

test("events change what is known", () => {
  const entries = known();
  entries.apply([
    { type: "put", entry: entry("b", 4n, "w") },
    { type: "delete", key: "a", modRevision: 5n },
    { type: "put", entry: entry("c", 4n) },
    { type: "delete", key: "c", modRevision: 6n },
  ]);
  assert.equal(entries.hasKeys([entry("b", 4n)]), true);
  assert.equal(entries.newest(), "b");
  assert.equal(entries.has(entry("b", 4n, "w")), true);
});
