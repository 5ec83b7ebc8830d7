import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { test } from "node:test";
import { classify, type Failure } from "./failure.js";

const CASES: readonly (readonly [
  code: number,
  details: string,
  kind: Failure["kind"],
  reason?: Failure["reason"],
])[] = [
  // Refused before it was proposed to the cluster.
  [status.UNAVAILABLE, "etcdserver: no leader", "unreachable"],
  [status.UNAVAILABLE, "etcdserver: not capable", "unreachable"],
  [status.UNAVAILABLE, "etcdserver: rpc not supported for learner", "unreachable"],
  [status.RESOURCE_EXHAUSTED, "etcdserver: too many requests", "unreachable"],
  // A proposal may be under way.
  [status.UNAVAILABLE, "etcdserver: request timed out", "unknown"],
  [status.UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure", "unknown"],
  [status.UNAVAILABLE, "etcdserver: request timed out, possibly due to connection lost", "unknown"],
  [status.UNAVAILABLE, "etcdserver: leader changed", "unknown"],
  [status.UNAVAILABLE, "etcdserver: server stopped", "unknown"],
  [status.DATA_LOSS, "etcdserver: corrupt cluster", "unknown"],
  // etcd says so also when it has done it.
  [status.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", "unknown"],
  // Of gRPC.
  [status.UNAVAILABLE, "Connection dropped", "unknown"],
  [status.UNAVAILABLE, "no leader", "unknown"],
  [status.DEADLINE_EXCEEDED, "Deadline exceeded after 1.5s", "unknown", "timeout"],
  [status.CANCELLED, "Cancelled on client", "unknown"],
  [status.INTERNAL, "Received RST_STREAM with code 2", "unknown"],
  [status.UNKNOWN, "context canceled", "unknown"],
  [status.RESOURCE_EXHAUSTED, "Bandwidth exhausted or memory limit exceeded", "unknown"],
  [status.RESOURCE_EXHAUSTED, "Received message larger than max (5 vs 4)", "unknown", "too-large"],
  // The request itself.
  [
    status.RESOURCE_EXHAUSTED,
    "grpc: received message larger than max (5 vs. 4)",
    "invalid",
    "request-too-large",
  ],
  [status.INVALID_ARGUMENT, "etcdserver: request is too large", "invalid", "request-too-large"],
  [status.INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request", "invalid"],
  [status.INVALID_ARGUMENT, "a proxy in between says so", "unknown"],
  [status.UNIMPLEMENTED, "unknown service etcdserverpb.KV", "invalid"],
  [status.NOT_FOUND, "etcdserver: requested lease not found", "invalid", "lease"],
  [status.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", "invalid", "revision"],
  [status.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision", "invalid", "revision"],
  // Who asks.
  [status.UNAUTHENTICATED, "etcdserver: invalid auth token", "denied", "token"],
  [status.INVALID_ARGUMENT, "etcdserver: user name is empty", "denied", "token"],
  [status.UNKNOWN, "auth: revision in header is old", "denied", "token"],
  [status.INVALID_ARGUMENT, "etcdserver: revision of auth store is old", "denied", "token"],
  [status.PERMISSION_DENIED, "etcdserver: permission denied", "denied"],
  [status.INVALID_ARGUMENT, "etcdserver: authentication failed, invalid user ID or password", "denied"],
  [status.FAILED_PRECONDITION, "etcdserver: authentication is not enabled", "denied", "no-auth"],
];

for (const [code, details, kind, reason = "other"] of CASES)
  test(`${String(status[code])} "${details}" is ${kind}${reason === "other" ? "" : ` (${reason})`}`, () => {
    assert.deepEqual(classify({ code, details }), { kind, reason });
  });
