import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { isBreak, SeamlessError, type SeamlessErrorCode } from "./errors.js";
import { failsWith, richError } from "./testing/errors.js";

const grpcError = (fields: object): Error =>
  Object.assign(new Error("grpc-js words"), { details: "no", metadata: new Metadata() }, fields);
const from = (fields: object): SeamlessError => SeamlessError.from(grpcError(fields), "set");

const REASONS: [SeamlessErrorCode, status][] = [
  ["INVALID_ADDRESS", status.INVALID_ARGUMENT],
  ["INVALID_ARGUMENT", status.INVALID_ARGUMENT],
  ["FORBIDDEN_BACKEND", status.INVALID_ARGUMENT],
  ["SERVICE_NOT_FOUND", status.NOT_FOUND],
  ["SERVICE_EXISTS", status.ALREADY_EXISTS],
  ["SERVICE_CONFIGURED", status.FAILED_PRECONDITION],
  ["LIST_EXISTS", status.ALREADY_EXISTS],
  ["LIST_IN_USE", status.FAILED_PRECONDITION],
  ["LISTEN_FAILED", status.FAILED_PRECONDITION],
  ["UNAUTHENTICATED", status.UNAUTHENTICATED],
  ["PERMISSION_DENIED", status.PERMISSION_DENIED],
  ["BACKEND_NOT_FOUND", status.NOT_FOUND],
  ["REVISION_MISMATCH", status.ABORTED],
  ["LIMIT_EXCEEDED", status.RESOURCE_EXHAUSTED],
  ["STORE_UNAVAILABLE", status.UNAVAILABLE],
  ["NO_FLEET", status.FAILED_PRECONDITION],
  ["SHUTTING_DOWN", status.UNAVAILABLE],
  ["UPGRADE_FAILED", status.FAILED_PRECONDITION],
  ["UPGRADE_IN_PROGRESS", status.ABORTED],
  ["INTERNAL", status.INTERNAL],
];

test("each reason of the proxy is a code, and its facts are the details", () => {
  for (const [code, number] of REASONS) {
    const error = from(richError(code, { address: "a:1" }, number));
    failsWith({ code, status: status[number], method: "set", details: { address: "a:1" } })(error);
    assert.equal(error.message, `${code}: no`);
  }
});

test("without a reason that is known, the code follows from the gRPC status", () => {
  const own = [
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "CANCELLED",
    "INVALID_ARGUMENT",
    "INTERNAL",
    "UNAUTHENTICATED",
    "PERMISSION_DENIED",
  ];
  for (const name of Object.keys(status).filter((key) => Number.isNaN(Number(key)))) {
    const code = own.includes(name) ? name : "UNKNOWN";
    const number = status[name as keyof typeof status];
    failsWith({ code, status: name })(from({ code: number }));
    failsWith({ code, status: name })(from(richError("OF_A_LATER_PROXY", {}, number)));
    failsWith({ code, status: name, details: {} })(
      from(richError("SERVICE_NOT_FOUND", { address: "a:1" }, number, "elsewhere.example")),
    );
  }
  failsWith({ code: "UNKNOWN", status: "UNKNOWN" })(from({ code: 99 }));
});

test("details that are not protobuf leave the status to go by", () => {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from([0xff, 0xff, 0xff]));
  failsWith({ code: "UNAVAILABLE", details: {} })(from({ code: status.UNAVAILABLE, metadata }));
});

test("currentRevision is a bigint beyond what a number holds, and absent unless it is a number", () => {
  const revision = (text: string): bigint | undefined =>
    from(richError("REVISION_MISMATCH", { current_revision: text }, status.ABORTED)).currentRevision;
  assert.equal(revision("18446744073709551615"), 18446744073709551615n);
  assert.equal(revision("new"), undefined);
  assert.equal(revision(""), undefined);
  assert.equal(from(richError("INTERNAL", {}, status.INTERNAL)).currentRevision, undefined);
});

test("what is no gRPC error is UNKNOWN, with itself as the cause; a SeamlessError stays the same", () => {
  const bug = new TypeError("x is not a function");
  failsWith({ code: "UNKNOWN", method: "get", cause: bug })(SeamlessError.from(bug, "get"));
  assert.equal(SeamlessError.from("thrown text", "get").message, "UNKNOWN: thrown text");
  const error = new SeamlessError("CANCELLED", "left", { status: "CANCELLED", method: "watch" });
  assert.equal(SeamlessError.from(error, "get"), error);
  assert.equal("cause" in error, false);
});

test("a watch goes on after a break, and not after what the proxy says of the request", () => {
  const { UNAVAILABLE, INTERNAL, CANCELLED, NOT_FOUND, RESOURCE_EXHAUSTED } = status;
  for (const code of [UNAVAILABLE, INTERNAL, CANCELLED]) assert.ok(isBreak(from({ code })), status[code]);
  for (const code of [NOT_FOUND, RESOURCE_EXHAUSTED]) assert.ok(!isBreak(from({ code })), status[code]);
  for (const reason of ["SHUTTING_DOWN", "STORE_UNAVAILABLE"])
    assert.ok(isBreak(from(richError(reason, {}, UNAVAILABLE))), reason);
  assert.ok(!isBreak(from(richError("NO_FLEET", {}, status.FAILED_PRECONDITION))));
  assert.ok(!isBreak(from(richError("INTERNAL", {}, INTERNAL))));
});
