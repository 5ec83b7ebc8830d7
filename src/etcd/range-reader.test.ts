import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError, classify } from "./failure.js";
import { type RangeRequest, RangeResponse } from "./gen/etcd/etcdserverpb/rpc.js";
import { list } from "./range-reader.js";

interface Page {
  readonly keys: readonly string[];
  readonly more?: boolean;
  readonly revision?: bigint;
  readonly clusterId?: bigint;
}

/** Answers with these pages, one after the other. */
function pages(...answers: readonly (Page | Error)[]) {
  const asked: string[] = [];
  const call = (request: RangeRequest): Promise<RangeResponse> => {
    const answer = answers[asked.length];
    asked.push(`${request.key.toString()}@${request.revision}`);
    if (!answer || answer instanceof Error) return Promise.reject(answer ?? new Error("one page too many"));
    const { keys, more = false, revision = 5n, clusterId = 1n } = answer;
    const kvs = keys.map((key) => ({ key: Buffer.from(key), value: Buffer.from(""), modRevision: 1n }));
    const header = { clusterId, memberId: 1n, revision, raftTerm: 1n };
    return Promise.resolve(RangeResponse.fromPartial({ header, kvs, more }));
  };
  return { call, asked };
}

const compacted = () => {
  const details = "etcdserver: mvcc: required revision has been compacted";
  return new CallError(classify({ code: 11, details }), details);
};

test("pages follow each other without a gap, all at the revision of the first", async () => {
  const { call, asked } = pages(
    { keys: ["p1", "p2"], more: true, revision: 5n },
    { keys: ["p3"], more: true, revision: 8n },
    { keys: ["p4"], revision: 9n },
  );
  const { revision, entries } = await list(call, { prefix: "p" });
  assert.equal(revision, 5n);
  assert.deepEqual(
    entries.map(({ key }) => key),
    ["p1", "p2", "p3", "p4"],
  );
  assert.deepEqual(asked, ["p@0", "p2\0@5", "p3\0@5"]);
});

test("if the revision is compacted between two pages, reading begins anew", async () => {
  const { call, asked } = pages({ keys: ["p1"], more: true }, compacted(), { keys: ["p2"], revision: 7n });
  assert.deepEqual(await list(call, { prefix: "p" }), {
    clusterId: 1n,
    revision: 7n,
    entries: [{ key: "p2", value: "", modRevision: 1n }],
  });
  assert.deepEqual(asked, ["p@0", "p1\0@5", "p@0"]);
});

test("pages of two clusters are never put together", async () => {
  const { call } = pages(
    { keys: ["p1"], more: true },
    { keys: ["p2"], clusterId: 2n },
    { keys: ["p3"], clusterId: 2n, revision: 3n },
  );
  assert.deepEqual(
    (await list(call, { prefix: "p" })).entries.map(({ key }) => key),
    ["p3"],
  );
});

test("a revision that was asked for and is no more is an error, and other failures are, too", async () => {
  await assert.rejects(list(pages(compacted()).call, { prefix: "p" }, { revision: 2n }), CallError);
  await assert.rejects(list(pages(new Error("broken")).call, { prefix: "p" }), /broken/);
  const always = pages(compacted(), compacted(), compacted(), compacted());
  await assert.rejects(list(always.call, { prefix: "p" }), CallError);
  assert.equal(always.asked.length, 3);
});
