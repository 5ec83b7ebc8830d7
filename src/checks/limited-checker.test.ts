import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checker } from "../control/checker.js";
import { limitChecker } from "./limited-checker.js";

const subject = { id: "a:1", endpoint: { host: "127.0.0.1", port: 1 }, sendProxy: 0 } as const;
const kind = { type: "tcp" } as const;
const patient = { timeoutMs: 60_000, signal: new AbortController().signal };

test("only so many checks run at once, and all of them in the end", async () => {
  const running: (() => void)[] = [];
  let most = 0;
  const checker: Checker = async () => {
    await new Promise<void>((resolve) => {
      running.push(resolve);
      most = Math.max(most, running.length);
    });
  };
  const limited = limitChecker(checker, 2);
  const checks = Array.from({ length: 5 }, () => limited(subject, kind, patient));
  for (let ended = 0; ended < 5; ended++) {
    while (running.length === 0) await new Promise(setImmediate);
    running.shift()?.();
  }
  await Promise.all(checks);
  assert.equal(most, 2);
});

test("a check that fails makes room, too", async () => {
  const limited = limitChecker(() => Promise.reject(new Error("no")), 1);
  for (let i = 0; i < 3; i++) await assert.rejects(limited(subject, kind, patient), /no/);
});

test("a check that takes too long is aborted, and says so; its time begins when it does", async (t) => {
  // The timer of an AbortSignal keeps no process alive; in the proxy its sockets do.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(alive));
  const silent: Checker = (_, __, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
  const limited = limitChecker(silent, 1);
  const limits = { ...patient, timeoutMs: 30 };
  const checks = [limited(subject, kind, limits), limited(subject, kind, limits)];
  for (const { status, reason } of (await Promise.allSettled(checks)) as PromiseRejectedResult[])
    assert.deepEqual([status, String(reason)], ["rejected", "Error: no answer within 30 ms"]);
});

test("a check that nobody wants any more does not begin", async () => {
  let begun = 0;
  const limited = limitChecker(() => Promise.resolve(void (begun += 1)), 1);
  await assert.rejects(limited(subject, kind, { ...patient, signal: AbortSignal.abort() }));
  assert.equal(begun, 0);
});
