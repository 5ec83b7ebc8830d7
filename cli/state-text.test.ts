import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendState, type Backend, type ProxyInfo } from "@seamless/sdk";
import { formatProxy, formatState, formatStateLine, stateWord } from "./state-text.js";
import { proxy, state } from "./testing/ctl.js";

const backend = state.backends[0] as Backend;

function row(part: Partial<Backend>): string {
  return formatState({ ...state, backends: [{ ...backend, ...part }] }).split("\n")[2] ?? "";
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
  assert.equal(formatState(empty), "service default, revision 3\nno backends\n");
  assert.equal(formatStateLine(empty, new Date(0)), "1970-01-01T00:00:00.000Z revision 3: no backends\n");
});

test("a backend without counters counts as unused, and its error is its note", () => {
  const text = row({ counters: undefined, state: BackendState.UNRESOLVED, error: "ENOTFOUND" });
  assert.match(text, /^a:1 +2 +unresolved +0 +0 +0 +0 B +0 B +ENOTFOUND$/);
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

test("the proxy's text names every address, and that it is stopping", () => {
  assert.match(proxyText({}, 0), /^listening +\[::\]:80, \[::\]:81$/m);
  assert.match(proxyText({ shuttingDown: true }, 0), /^state +stopping/m);
});
