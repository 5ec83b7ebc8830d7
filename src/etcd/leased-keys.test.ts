import assert from "node:assert/strict";
import { test } from "node:test";
import { LeasedKeys } from "./leased-keys.js";

test("what is put or deleted is unwritten until etcd has it", () => {
  const keys = new LeasedKeys();
  assert.equal(keys.complete, true);
  keys.put("a", "1");
  keys.delete("b");
  assert.deepEqual(keys.unwritten(), [
    { key: "a", value: "1" },
    { key: "b", value: undefined },
  ]);
  keys.written("a", "1");
  assert.equal(keys.complete, false);
  keys.written("b", undefined);
  assert.equal(keys.complete, true);
});

test("what was asked for otherwise while it was written is still unwritten", () => {
  const keys = new LeasedKeys();
  keys.put("a", "1");
  keys.put("a", "2");
  keys.written("a", "1");
  assert.deepEqual(keys.unwritten(), [{ key: "a", value: "2" }]);
  keys.delete("a");
  keys.written("a", "2");
  assert.deepEqual(keys.unwritten(), [{ key: "a", value: undefined }]);
});

test("under a new lease all is written again, but not what was deleted", () => {
  const keys = new LeasedKeys();
  keys.put("a", "1");
  keys.put("b", "2");
  keys.written("a", "1");
  keys.written("b", "2");
  keys.delete("b");
  keys.written("b", undefined);
  keys.writeAllAgain();
  assert.deepEqual(keys.unwritten(), [{ key: "a", value: "1" }]);
});
