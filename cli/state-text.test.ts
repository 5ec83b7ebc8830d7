import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendState, type Backend, HealthState, type HealthCheck, type ProxyInfo } from "@seamless/sdk";
import { formatHealthCheck } from "./health-text.js";
import { formatProxy, formatState, formatStateLine, stateWord } from "./state-text.js";
import { proxy, state } from "./testing/ctl.js";

const backend = state.backends[0] as Backend;

function row(part: Partial<Backend>): string {
  return formatState({ ...state, backends: [{ ...backend, ...part }] }, 0).split("\n")[2] ?? "";
}

function proxyText(part: Partial<ProxyInfo>, nowMs: number): string {
  return formatProxy({ ...proxy, startedUnixMs: 0n, ...part }, ["[::]:80", "[::]:81"], nowMs);
}

test("a state is a word, also one that this version does not know", () => {
  const { ACTIVE, UNRESOLVED, EJECTED, DRAINING } = BackendState;
  assert.deepEqual([ACTIVE, UNRESOLVED, EJECTED, DRAINING].map(stateWord), [
    "active",
    "unresolved",
    "ejected",
    "draining",
  ]);
  assert.equal(stateWord(99 as BackendState), "unknown");
});

test("an empty list says so", () => {
  const empty = { ...state, backends: [] };
  assert.equal(formatState(empty, 0), "service default, revision 3\nno backends\n");
  assert.equal(formatStateLine(empty, new Date(0)), "1970-01-01T00:00:00.000Z revision 3: no backends\n");
});

test("a backend without counters counts as unused, and its error is its note", () => {
  const text = row({ counters: undefined, state: BackendState.UNRESOLVED, error: "ENOTFOUND" });
  assert.match(text, /^a:1 +2 +unresolved +0 +0 +0 +0 B +0 B +ENOTFOUND$/);
});

const { HEALTHY, UNHEALTHY, UNKNOWN } = HealthState;
for (const [error, health, note] of [
  ["", { state: HEALTHY, error: "" }, "healthy"],
  ["", { state: HEALTHY, error: "HTTP status 503" }, "healthy (HTTP status 503)"],
  ["", { state: UNKNOWN, error: "" }, "not checked yet"],
  ["ECONNREFUSED", { state: UNHEALTHY, error: "ECONNREFUSED" }, "unhealthy (ECONNREFUSED)"],
  ["ENOTFOUND", { state: UNHEALTHY, error: "no address" }, "ENOTFOUND; unhealthy (no address)"],
] as const)
  test(`a checked backend's note is: ${note}`, () => {
    assert.ok(row({ error, health: { ...health, checkedUnixMs: 1n } }).endsWith(` ${note}`));
  });

const pace = { intervalMs: 2_000, timeoutMs: 1_000, rise: 2, fall: 3 };
for (const [kind, text] of [
  [{ $case: "tcp", value: {} }, "tcp"],
  [{ $case: "http", value: { path: "/up", host: "", expectedStatus: "" } }, "http:/up"],
  [
    { $case: "http", value: { path: "/up", host: "app", expectedStatus: "200,404" } },
    "http:/up (host app, status 200,404)",
  ],
  [{ $case: "grpc", value: { service: "" } }, "grpc"],
  [{ $case: "grpc", value: { service: "a.B" } }, "grpc:a.B"],
] as const)
  test(`get says that it checks by ${text}`, () => {
    const healthCheck: HealthCheck = { kind, ...pace };
    const [, line] = formatState({ ...state, healthCheck }, 0).split("\n");
    assert.equal(line, `health checks: ${text} every 2000 ms, timeout 1000 ms, rise 2, fall 3`);
    assert.equal(formatHealthCheck(healthCheck), line);
  });

for (const [bytes, text] of [
  [1_023n, "1023 B"],
  [1_024n, "1.0 KiB"],
  [1_536n, "1.5 KiB"],
  [1_048_575n, "1.0 MiB"],
  [2n ** 64n - 1n, "16.0 EiB"],
] as const) {
  test(`${bytes} bytes are ${text}`, () => {
    const counters = { ...backend.counters, bytesIn: bytes } as NonNullable<Backend["counters"]>;
    assert.ok(row({ counters }).includes(`  ${text}  `), row({ counters }));
  });
}

for (const [seconds, text] of [
  [59, "59s"],
  [60, "1m 0s"],
  [3_661, "1h 1m"],
  [90_000, "1d 1h"],
  [-5, "0s"],
] as const) {
  test(`a proxy started ${seconds} s ago is up ${text}`, () => {
    assert.match(proxyText({}, seconds * 1_000), new RegExp(`serving, up ${text}$`, "m"));
  });
}

const store = { kind: "etcd", available: true, staleSinceUnixMs: 0n, error: "" };
for (const [part, text] of [
  [{ kind: "memory" }, "memory"],
  [{}, "etcd"],
  [{ error: "slow" }, "etcd: slow"],
  [
    { available: false, staleSinceUnixMs: 5_000n, error: "no answer" },
    "etcd, unreachable since 1970-01-01T00:00:05Z (1m 5s); the last lists known are served, changes are refused: no answer",
  ],
  [{ available: false }, "etcd, unreachable; the last lists known are served, changes are refused"],
  [{ staleSinceUnixMs: 5_000n }, "etcd, not up to date since 1970-01-01T00:00:05Z (1m 5s)"],
] as const)
  test(`status says of the store: ${text}`, () => {
    const lines = proxyText({ store: { ...store, ...part } }, 70_000).split("\n");
    assert.equal(lines.find((line) => line.startsWith("store"))?.replace(/^store +/, ""), text);
  });

test("of a store that the proxy does not know of nothing is said", () => {
  assert.doesNotMatch(proxyText({ store: undefined }, 0), /^store/m);
});

test("the proxy's text names every address, and that it is stopping", () => {
  assert.match(proxyText({}, 0), /^listening +\[::\]:80, \[::\]:81$/m);
  assert.match(proxyText({ shuttingDown: true }, 0), /^state +stopping/m);
});
