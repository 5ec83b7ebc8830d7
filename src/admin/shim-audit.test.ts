import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { FakeEngine } from "../control/testing/fake-engine.js";
import { startReal } from "./testing/shim-fixture.js";

test("what was refused in the original's words is no change that was done for the audit", async (t) => {
  const lines: { readonly call: string; readonly outcome: string }[] = [];
  const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
  const { get } = await startReal(t, new FakeEngine(), { logger });
  for (const target of [
    "/add",
    "/remove",
    "/remove?backend=10.0.0.9:1",
    "/remove?backend=x",
    "/set?backends=x",
    "/remove?backend=127.0.0.1:2",
  ])
    await get(target);
  assert.deepEqual(
    lines.map(({ call, outcome }) => `${call} ${outcome}`),
    [
      "add INVALID_ARGUMENT",
      "remove INVALID_ARGUMENT",
      "remove BACKEND_NOT_FOUND",
      "remove INVALID_ADDRESS",
      "set INVALID_ADDRESS",
      "remove done",
    ],
  );
});
