import assert from "node:assert/strict";
import { test } from "node:test";
import { installBlockCounters, instrument } from "./block-counters.js";
import { fuzz } from "./fuzz-loop.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { smallest } from "./smallest.js";

const counters = installBlockCounters();

async function target(body: string, fields: Partial<FuzzTarget> = {}): Promise<FuzzTarget> {
  const { text } = instrument(`export function parse(text) { ${body} }`, { first: 0, tellsWords: true });
  const { parse } = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as FuzzTarget;
  return {
    name: "planted",
    seeds: ["hello"],
    characters: "-",
    maxBytes: 16,
    encoding: "utf8",
    parse,
    ...fields,
  };
}

const limits = { counters, seed: 1, runs: 300_000, limitMs: 60_000, slowMs: 100, beforeRun: () => undefined };

/** Letter by letter, so that no word in it gives it away: by chance it is one input in 2^24 and more. */
const DEEP = `
  if (text.charCodeAt(0) === 113) if (text.charCodeAt(1) === 122)
    if (text.charCodeAt(2) === 55) throw new TypeError("planted");
`;

test("a crash is found that only coverage leads to", async () => {
  const { finding } = await fuzz(await target(DEEP), limits);
  assert.match(String(finding?.error), /planted/);
  assert.match(finding?.input.toString() ?? "", /^qz7/);
});

test("without coverage it is not", async () => {
  const blind = { ...counters, counts: new Uint8Array(counters.counts.length) };
  const { finding, runs } = await fuzz(await target(DEEP), { ...limits, counters: blind });
  assert.deepEqual([finding, runs], [undefined, limits.runs]);
});

test("a crash behind a rare word of the code is found", async () => {
  const body = 'if (text.includes("x-rare-token")) throw new TypeError("planted");';
  const { finding } = await fuzz(await target(body), limits);
  assert.match(finding?.input.toString() ?? "", /x-rare-token/);
});

test("the same seed finds the same, by the same way", async () => {
  const [one, again] = [await fuzz(await target(DEEP), limits), await fuzz(await target(DEEP), limits)];
  assert.deepEqual([again.finding?.run, again.finding?.input], [one.finding?.run, one.finding?.input]);
});

test("an input that takes long is found, and made small", async () => {
  const body = 'const n = text.split("-").length; for (let i = 0; n > 4 && i < 2e7; i++);';
  const slow = await target(body);
  const { finding } = await fuzz(slow, { ...limits, slowMs: 5 });
  assert.match(String(finding?.error), /slow: it takes \d+ ms/);
  const least = await smallest(slow, finding?.input ?? assert.fail(), 5);
  assert.equal(least.toString(), "-".repeat(4));
});

test("no input is larger than the target takes, and the limits hold", async () => {
  let largest = 0;
  const beforeRun = ({ length }: Buffer): void => void (largest = Math.max(largest, length));
  const report = await fuzz(await target("return text;"), { ...limits, runs: 5_000, beforeRun });
  assert.equal(report.runs, 5_000);
  assert.equal(largest, 16);
  assert.ok((await fuzz(await target("return text;"), { ...limits, limitMs: 0 })).runs === 0);
});
