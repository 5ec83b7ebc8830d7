import assert from "node:assert/strict";
import { test } from "node:test";
import { Event, WatchResponse } from "./gen/etcd/etcdserverpb/rpc.js";
import { Resumption } from "./resumption.js";

const header = (revision: bigint, clusterId = 7n) => ({ clusterId, memberId: 1n, revision, raftTerm: 2n });
const created = (revision: bigint, clusterId = 7n) =>
  WatchResponse.fromPartial({ created: true, header: header(revision, clusterId) });
const put = (key: string, modRevision: bigint) =>
  Event.fromPartial({ type: 0, kv: { key: Buffer.from(key), value: Buffer.from("v"), modRevision } });
const deletion = (key: string, modRevision: bigint) =>
  Event.fromPartial({ type: 1, kv: { key: Buffer.from(key), modRevision } });
const message = (revision: bigint, ...events: Event[]) =>
  WatchResponse.fromPartial({ header: header(revision), events });

/** One that has listed at this revision. */
function at(revision: bigint): Resumption {
  const resumption = new Resumption();
  resumption.begin();
  resumption.take(created(revision));
  assert.equal(resumption.listed({ clusterId: 7n, revision }, header(revision)), true);
  return resumption;
}

test("the first watch begins now, and the prefix is listed while it is open", () => {
  const resumption = new Resumption();
  assert.equal(resumption.begin(), 0n);
  assert.deepEqual(resumption.take(created(5n)), { do: "list" });
  assert.equal(resumption.behind, true);
  assert.equal(resumption.listed({ clusterId: 7n, revision: 6n }, header(5n)), true);
  assert.equal(resumption.behind, false);
  assert.equal(resumption.begin(), 7n);
});

test("a list that comes from elsewhere than the watch does not count", () => {
  for (const listing of [
    { clusterId: 8n, revision: 6n },
    { clusterId: 7n, revision: 4n },
  ]) {
    const resumption = new Resumption();
    resumption.take(created(5n));
    assert.equal(resumption.listed(listing, header(5n)), false);
    assert.equal(resumption.begin(), 0n);
  }
});

test("events that the list includes are left out, others are passed on, and the position follows them", () => {
  const resumption = at(5n);
  assert.deepEqual(
    resumption.take(message(6n, put("a", 4n), put("b", 5n), put("c", 6n), deletion("a", 6n))),
    {
      do: "pass on",
      events: [
        { type: "put", entry: { key: "c", value: "v", modRevision: 6n } },
        { type: "delete", key: "a", modRevision: 6n },
      ],
      revision: 6n,
    },
  );
  assert.deepEqual(resumption.take(message(9n, put("c", 6n))), { do: "nothing", current: false });
  assert.equal(resumption.begin(), 7n);
});

test("the header of events may be ahead of them: it does not move the position", () => {
  const resumption = at(5n);
  resumption.take(message(20n, put("a", 6n)));
  assert.equal(resumption.begin(), 7n);
});

test("an answer to a progress request moves the position neither, but shows that nothing is missing", () => {
  const resumption = at(5n);
  resumption.begin();
  assert.deepEqual(resumption.take(created(9n)), { do: "verify" });
  assert.equal(resumption.behind, true);
  assert.deepEqual(resumption.take(message(9n)), { do: "nothing", current: true });
  resumption.caughtUp();
  assert.equal(resumption.behind, false);
  assert.equal(resumption.begin(), 6n);
});

test("it has caught up with the event of the revision at which the watch was opened", () => {
  const resumption = at(5n);
  resumption.begin();
  resumption.take(created(7n));
  resumption.take(message(7n, put("a", 6n)));
  assert.equal(resumption.behind, true);
  resumption.take(message(7n, put("b", 7n)));
  assert.equal(resumption.behind, false);
});

test("compaction, another cluster and a lower revision ask for a new list", () => {
  const compacted = WatchResponse.fromPartial({ canceled: true, compactRevision: 9n, header: header(12n) });
  const foreign = WatchResponse.fromPartial({ header: header(9n, 8n), events: [put("a", 9n)] });
  for (const [what, says] of [
    [compacted, /compacted up to revision 9/],
    [foreign, /another cluster/],
    [created(5n, 8n), /another cluster/],
    [created(4n), /at revision 4, and was at 5/],
  ] as const) {
    const resumption = at(5n);
    resumption.begin();
    const step = resumption.take(what);
    assert.match(step.do === "relist" ? step.why : step.do, says);
    resumption.forget();
    assert.equal(resumption.begin(), 0n);
  }
});

test("a watch that etcd ends for another reason goes on where it was, and a denial is told apart", () => {
  const canceled = (cancelReason: string) => WatchResponse.fromPartial({ canceled: true, cancelReason });
  const denied = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
  assert.deepEqual(at(5n).take(canceled(denied)), { do: "end", why: denied, denied: true });
  assert.deepEqual(at(5n).take(canceled("")), { do: "end", why: "etcd has ended the watch", denied: false });
});
