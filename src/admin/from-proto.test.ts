import assert from "node:assert/strict";
import { test } from "node:test";
import { fromProtoBackends, fromProtoCondition, fromProtoPosition } from "./from-proto.js";

test("a weight that is left out stays left out, and 0 stays 0 for the control plane to refuse", () => {
  const specs = [
    { address: "a:1" },
    { address: "b:2", weight: 0 },
    { address: "c:3", weight: 4_294_967_295 },
  ];
  assert.deepEqual(fromProtoBackends(specs), specs);
});

test("no expected revision is no condition, and 0 is one", () => {
  assert.deepEqual(fromProtoCondition({}), {});
  assert.deepEqual(fromProtoCondition({ expectedRevision: undefined }), {});
  assert.deepEqual(fromProtoCondition({ expectedRevision: 0n }), { expectedRevision: 0 });
});

test("a revision too large for a number is none that exists, and not the one its digits round to", () => {
  for (const expectedRevision of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
    assert.deepEqual(fromProtoCondition({ expectedRevision }), { expectedRevision: Number.MAX_SAFE_INTEGER });
  }
});

test("a watch position is passed on whole", () => {
  assert.equal(fromProtoPosition(undefined), undefined);
  assert.deepEqual(fromProtoPosition({ revision: 3n, sequence: 2n ** 64n - 1n, instanceId: "x" }), {
    revision: 3,
    sequence: Number.MAX_SAFE_INTEGER,
    instanceId: "x",
  });
});
