import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attempt, cpuTime } from "./testing/fuzz/attempt.js";
import { FUZZ_TARGETS } from "./testing/fuzz/targets.js";

/** `npm run fuzz` has a million; each run of the tests begins elsewhere. */
const RUNS = Number(process.env["SEAMLESS_FUZZ_RUNS"] ?? 2_000);
/** Far more than any takes. */
const SLOW_MS = 100;

/** What parsers meet: right texts with a few random changes, and texts of the characters that mean something. */
function texts(characters: string, seeds: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.string({ unit: fc.constantFrom(...Array.from(characters)), maxLength: 20 }),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.constantFrom("", "0", "-1", "999999999999", "1e9", "\0", "\u{1F600}", "..", "__proto__"),
  );
  const change = fc.record({ at: fc.nat(400), cut: fc.nat(12), piece });
  const changed = fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { maxLength: 4 }))
    .map(([seed, changes]) =>
      changes.reduce((text, { at, cut, piece: put }) => {
        const start = at % (text.length + 1);
        return text.slice(0, start) + put + text.slice(start + cut);
      }, seed),
    );
  return fc.oneof({ weight: 4, arbitrary: changed }, { weight: 1, arbitrary: piece });
}

for (const target of FUZZ_TARGETS) {
  test(`${target.name}: whatever comes is read, or refused in words, and soon`, () =>
    fc.assert(
      fc.asyncProperty(texts(target.characters, target.seeds), async (text) => {
        const beganMs = performance.now();
        await attempt(target, text);
        const isSlow = performance.now() - beganMs > SLOW_MS && (await cpuTime(target, text)) > SLOW_MS;
        assert.ok(!isSlow, "slow");
      }),
      { numRuns: RUNS },
    ));
}
