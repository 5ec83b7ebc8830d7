import assert from "node:assert/strict";
import { test } from "node:test";
import { completeHealthCheck, isExpectedStatus, parseCheckKind, sameHealthCheck } from "./health-check.js";

const http = (path: string, extra: object = {}) =>
  completeHealthCheck({ kind: { type: "http", path, host: "", expectedStatus: "", ...extra } });

test("what is left out has its default", () => {
  assert.deepEqual(completeHealthCheck({ kind: { type: "tcp" } }), {
    kind: { type: "tcp" },
    intervalMs: 2_000,
    timeoutMs: 1_000,
    rise: 2,
    fall: 2,
  });
  assert.deepEqual(http("/up").kind, { type: "http", path: "/up", host: "", expectedStatus: "200-299" });
});

test("the kinds are written as tcp, http:/path and grpc[:service]", () => {
  assert.deepEqual(parseCheckKind("tcp"), { type: "tcp" });
  assert.deepEqual(parseCheckKind("http:/a:b"), { type: "http", path: "/a:b", host: "", expectedStatus: "" });
  assert.deepEqual(parseCheckKind("grpc"), { type: "grpc", service: "" });
  assert.deepEqual(parseCheckKind("grpc:a.B"), { type: "grpc", service: "a.B" });
  for (const text of ["", "udp", "tcp:1", "http", "https:/"])
    assert.throws(() => parseCheckKind(text), { code: "INVALID_ARGUMENT" }, text);
});

test("what is out of bounds is refused, and named", () => {
  const kind = { type: "tcp" } as const;
  for (const wrong of [{ intervalMs: 99 }, { timeoutMs: 9 }, { rise: 0 }, { fall: 101 }, { rise: 1.5 }]) {
    const [key = ""] = Object.keys(wrong);
    assert.throws(() => completeHealthCheck({ kind, ...wrong }), new RegExp(key));
  }
});

test("nothing that would break a request line or a header gets in", () => {
  for (const path of ["up", "/a b", "/a\r\nHost: x", `/${"a".repeat(2_000)}`, "/ü"])
    assert.throws(() => http(path), { code: "INVALID_ARGUMENT" }, path);
  assert.throws(() => http("/", { host: "a\nb" }), { code: "INVALID_ARGUMENT" });
  assert.throws(() => completeHealthCheck({ kind: { type: "grpc", service: "a b" } }), {
    code: "INVALID_ARGUMENT",
  });
});

test("statuses are codes and ranges", () => {
  assert.deepEqual(
    [199, 200, 299, 300, 404].map((status) => isExpectedStatus("200-299, 404", status)),
    [false, true, true, false, true],
  );
  for (const expectedStatus of ["2xx", "299-200", "600", "200-", "200,,"])
    assert.throws(() => http("/", { expectedStatus }), { code: "INVALID_ARGUMENT" }, expectedStatus);
});

test("two checks are the same if all their parts are", () => {
  assert.ok(sameHealthCheck(http("/a"), http("/a")));
  assert.ok(!sameHealthCheck(http("/a"), http("/b")));
  assert.ok(!sameHealthCheck(http("/a"), undefined));
  assert.ok(sameHealthCheck(undefined, undefined));
});
