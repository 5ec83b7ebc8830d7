import assert from "node:assert/strict";
import { test } from "node:test";
import { errnoOf, failureKind } from "./errno.js";

const withCode = (code: string, options?: ErrorOptions): Error =>
  Object.assign(new Error("x", options), { code });

test("the errno is found on the error itself, on a cause, or on the first of several errors", () => {
  assert.equal(errnoOf(withCode("ECONNREFUSED")), "ECONNREFUSED");
  assert.equal(errnoOf(new Error("outer", { cause: withCode("EMFILE") })), "EMFILE");
  assert.equal(
    errnoOf(new AggregateError([withCode("EHOSTUNREACH"), withCode("ECONNREFUSED")])),
    "EHOSTUNREACH",
  );
  assert.equal(errnoOf(withCode("ERR_SOCKET_CLOSED", { cause: withCode("EPIPE") })), "EPIPE");
});

test("what has no errno has none, and a circle of causes ends", () => {
  const circle = new Error("circle");
  circle.cause = circle;
  for (const error of [undefined, "ECONNREFUSED", new Error("x"), circle])
    assert.equal(errnoOf(error), undefined);
});

test("kinds tell a backend's fault from our own shortage and from an abort", () => {
  assert.deepEqual(
    ["ECONNREFUSED", "EADDRNOTAVAIL", "EMFILE", "ECONNRESET", "EPIPE", "EWHATEVER", undefined].map(
      failureKind,
    ),
    ["unreachable", "unreachable", "exhausted", "aborted", "aborted", "other", "other"],
  );
});
