import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionCap, readDescriptorLimit } from "./descriptor-limit.js";

test("two descriptors a connection, 128 kept in reserve", () => {
  assert.equal(connectionCap(1_024), 448);
  assert.equal(connectionCap(256), 64);
});

test("many threads keep some more in reserve", () => {
  assert.equal(connectionCap(1_024, 4), 448);
  assert.equal(connectionCap(1_024, 64), 208);
});

test("the cap is at least one and never absurd", () => {
  assert.equal(connectionCap(64), 1);
  assert.equal(connectionCap(Infinity), 1_000_000);
});

test("the limit of this process is read", () => {
  assert.ok(readDescriptorLimit() >= 64);
});
