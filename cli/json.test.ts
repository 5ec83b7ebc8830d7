import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonState, toJsonLine } from "./json.js";
import { state } from "./testing/ctl.js";

test("64-bit numbers are numbers up to 2^53 - 1 and strings beyond", () => {
  const exact = 2n ** 53n - 1n;
  assert.equal(
    toJsonLine({ zero: 0n, exact, beyond: exact + 1n }),
    '{"zero":0,"exact":9007199254740991,"beyond":"9007199254740992"}\n',
  );
});

test("a line break in a value does not break the line", () => {
  assert.equal(toJsonLine({ error: "a\nb" }), '{"error":"a\\nb"}\n');
});

test("a backend has a drain only while it drains", () => {
  const { backends } = JSON.parse(toJsonLine(jsonState(state))) as { backends: object[] };
  assert.deepEqual(
    backends.map((backend) => "drain" in backend),
    [false, true],
  );
});
