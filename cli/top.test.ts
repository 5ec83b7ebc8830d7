import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceState } from "@seamless/sdk";
import { formatTop } from "./commands/top.js";
import { ctl, state } from "./testing/ctl.js";

test("rates are computed from two looks; a backend that is new has none yet", () => {
  const at = (accepted: bigint, total: bigint): ServiceState => ({
    ...state,
    acceptedConnections: accepted,
    backends: state.backends.map((backend) => {
      return { ...backend, counters: backend.counters && { ...backend.counters, totalConnections: total } };
    }),
  });
  const before = { atMs: 1_000, services: [at(10n, 100n)] };
  const text = formatTop(before, { atMs: 3_000, services: [at(30n, 105n)] });
  const [head = "", service = "", backend = ""] = text.split("\n");
  assert.match(head, /^SERVICE +BACKEND +STATE +OPEN +NEW\/S/);
  assert.match(service, /^default .* 10\.0$/);
  assert.match(backend, / 2\.5 +0\.0 /);
  assert.match(formatTop({ atMs: 0, services: [] }, { atMs: 1, services: [at(1n, 1n)] }), / 0\.0 +0\.0 /);
});

test("top is for people", async () => {
  const { exitCode, stderr } = await ctl("top -o json");
  assert.equal(exitCode, 2);
  assert.match(stderr, /^seamlessctl: top is for people: programs have watch -o json/);
});
