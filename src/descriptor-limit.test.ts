import assert from "node:assert/strict";
import { test } from "node:test";
import {
  connectionCap,
  defaultThreads,
  descriptorShortage,
  readDescriptorLimit,
} from "./descriptor-limit.js";

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

test("a limit that leaves nothing for clients is told, with what is needed", () => {
  assert.match(descriptorShortage(129) ?? "", /^the limit on open files is 129, and must be 130 at least, /);
  assert.match(descriptorShortage(1_024, 256) ?? "", /must be 2146 at least with 256 threads/);
  for (const limit of [130, Infinity]) assert.equal(descriptorShortage(limit), undefined);
});

test("the threads that nobody has asked for leave three quarters to connections", () => {
  assert.deepEqual(
    [130, 1_024, 65_536, Infinity].map((limit) => defaultThreads(limit, 128)),
    [4, 28, 128, 128],
  );
  assert.equal(defaultThreads(1_024, 2), 2);
});

test("the limit of this process is read", () => {
  assert.ok(readDescriptorLimit() >= 64);
});
