import assert from "node:assert/strict";
import { test } from "node:test";
import {
  expiredEjections,
  nextExpiryMs,
  onConnectFailure,
  reinstate,
  type ConnectFailure,
} from "./ejection.js";

const policy = { threshold: 3, durationMs: 5_000 };
const failure = (over: Partial<ConnectFailure> = {}): ConnectFailure => {
  return { id: "a", code: "ECONNREFUSED", consecutive: 3, nowMs: 1_000, connectable: ["a", "b"], ...over };
};
const none = new Map();

test("the third failure in a row puts a backend aside for the duration, and says why", () => {
  assert.equal(onConnectFailure(none, failure({ consecutive: 2 }), policy), none);
  const ejections = onConnectFailure(none, failure(), policy);
  assert.equal(ejections.get("a")?.untilMs, 6_000);
  assert.match(ejections.get("a")?.error ?? "", /3 connects in a row failed \(ECONNREFUSED\)/);
});

test("the last backend that takes connections is never put aside", () => {
  assert.equal(onConnectFailure(none, failure({ connectable: ["a"] }), policy), none);
  const bAside = onConnectFailure(none, failure({ id: "b" }), policy);
  assert.equal(onConnectFailure(bAside, failure({ id: "a" }), policy), bAside);
});

test("a further failure while aside changes nothing, and neither does one of a backend that is not listed", () => {
  const ejections = onConnectFailure(none, failure(), policy);
  assert.equal(onConnectFailure(ejections, failure({ nowMs: 2_000 }), policy), ejections);
  assert.equal(onConnectFailure(none, failure({ id: "x" }), policy), none);
});

test("a backend comes back when its time is over, and not before", () => {
  const ejections = onConnectFailure(none, failure(), policy);
  assert.equal(nextExpiryMs(ejections), 6_000);
  assert.deepEqual(expiredEjections(ejections, 5_999), []);
  assert.deepEqual(expiredEjections(ejections, 6_000), ["a"]);
  assert.equal(reinstate(ejections, ["a"]).size, 0);
  assert.equal(nextExpiryMs(none), undefined);
});

test("after its return one more failure is enough", () => {
  assert.equal(onConnectFailure(none, failure({ consecutive: 4 }), policy).has("a"), true);
});

test("reinstating what is not aside changes nothing", () => {
  const ejections = onConnectFailure(none, failure(), policy);
  assert.equal(reinstate(ejections, ["b"]), ejections);
});
