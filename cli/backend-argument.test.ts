import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import { collectAddresses, collectBackends, parseWeight } from "./backend-argument.js";

test("arguments and commas gather in the order they are written", () => {
  const first = collectBackends("a:1=2, b:1");
  assert.deepEqual(collectBackends("[::1]:80=256", first), [
    { address: "a:1", weight: 2 },
    { address: "b:1" },
    { address: "[::1]:80", weight: 256 },
  ]);
  assert.equal(first.length, 2);
  assert.deepEqual(collectAddresses("c:1", collectAddresses("a:1,b:1")), ["a:1", "b:1", "c:1"]);
});

test("an empty address is told, wherever the comma is", () => {
  for (const text of ["", " ", ",a:1", "a:1,", "a:1,,b:1", "=3"]) {
    assert.throws(() => collectBackends(text), InvalidArgumentError, JSON.stringify(text));
  }
  assert.throws(() => collectAddresses("a:1,"), InvalidArgumentError);
});

test("a weight is digits and nothing else", () => {
  assert.equal(parseWeight("007"), 7);
  for (const text of ["", "-1", "+1", "1.5", "1e2", "0x10", " 1", "1234567890"]) {
    assert.throws(() => parseWeight(text), InvalidArgumentError, JSON.stringify(text));
  }
  for (const text of ["a:1=", "a:1=1=2"]) assert.throws(() => collectBackends(text), InvalidArgumentError);
});
