import assert from "node:assert/strict";
import { test } from "node:test";
import { status, type StatusObject } from "@grpc/grpc-js";
import { ErrorInfo, Status } from "@seamless/proto";
import { pino } from "pino";
import { ProxyError, type ProxyErrorCode } from "../errors.js";
import { toGrpcStatus } from "./grpc-status.js";

const silent = pino({ enabled: false });

function detailsOf({ metadata }: StatusObject): { rich: Status; info: ErrorInfo } {
  const [bytes] = metadata.get("grpc-status-details-bin");
  const rich = Status.decode(bytes as Buffer);
  const [any] = rich.details;
  assert.equal(any?.typeUrl, "type.googleapis.com/google.rpc.ErrorInfo");
  return { rich, info: ErrorInfo.decode(any.value) };
}

const EXPECTED: Readonly<
  Record<Exclude<ProxyErrorCode, "CONFIG_INVALID" | "STATE_INVALID" | "ENGINE_UNAVAILABLE">, status>
> = {
  INVALID_ADDRESS: status.INVALID_ARGUMENT,
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  FORBIDDEN_BACKEND: status.INVALID_ARGUMENT,
  SERVICE_NOT_FOUND: status.NOT_FOUND,
  SERVICE_EXISTS: status.ALREADY_EXISTS,
  SERVICE_CONFIGURED: status.FAILED_PRECONDITION,
  LIST_EXISTS: status.ALREADY_EXISTS,
  LIST_IN_USE: status.FAILED_PRECONDITION,
  BACKEND_NOT_FOUND: status.NOT_FOUND,
  REVISION_MISMATCH: status.ABORTED,
  REVISION_NOT_FOUND: status.NOT_FOUND,
  DRAIN_NOT_FOUND: status.NOT_FOUND,
  DEPLOY_IN_PROGRESS: status.ABORTED,
  DEPLOY_NOT_FOUND: status.NOT_FOUND,
  STORE_FAILED: status.FAILED_PRECONDITION,
  STORE_UNAVAILABLE: status.UNAVAILABLE,
  NO_FLEET: status.FAILED_PRECONDITION,
  LIMIT_EXCEEDED: status.RESOURCE_EXHAUSTED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  SHUTTING_DOWN: status.UNAVAILABLE,
  UPGRADE_FAILED: status.FAILED_PRECONDITION,
  UPGRADE_IN_PROGRESS: status.ABORTED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  LISTEN_FAILED: status.FAILED_PRECONDITION,
};

for (const [reason, code] of Object.entries(EXPECTED)) {
  test(`${reason} becomes ${status[code]} and names itself in the details`, () => {
    const error = new ProxyError(reason as ProxyErrorCode, "why", { details: { current_revision: "7" } });
    const answer = toGrpcStatus(error, silent);
    assert.equal(answer.code, code);
    assert.equal(answer.details, "why");
    const { rich, info } = detailsOf(answer);
    assert.deepEqual([rich.code, rich.message], [code, "why"]);
    assert.deepEqual(info, { reason, domain: "seamless", metadata: { current_revision: "7" } });
  });
}

for (const [what, error] of [
  ["an error of ours that no request can cause", new ProxyError("STATE_INVALID", "secret")],
  ["a foreign error", new TypeError("secret")],
  ["something thrown that is no error", "secret"],
  ["nothing at all", undefined],
] as const) {
  test(`${what} becomes INTERNAL with a neutral text, and a line in the log`, () => {
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    const answer = toGrpcStatus(error, logger);
    assert.equal(answer.code, status.INTERNAL);
    const { rich, info } = detailsOf(answer);
    assert.doesNotMatch(JSON.stringify([answer.details, rich.message, info]), /secret/);
    assert.equal(info.reason, "INTERNAL");
    assert.equal(lines.length, 1);
    if (error !== undefined) assert.match(lines[0] ?? "", /secret/);
  });
}

test("a status stays below 8 KiB of trailers, whatever a client has sent", () => {
  for (const character of ["a", "é", "漢", "😀", "\ud800", "\0", "%"]) {
    for (const length of [1, 340, 1_023, 1_024, 1_025, 100_000]) {
      const text = character.repeat(length);
      const error = new ProxyError("INVALID_ADDRESS", `x${text}`, { details: { address: text } });
      const answer = toGrpcStatus(error, silent);
      const [bytes] = answer.metadata.get("grpc-status-details-bin");
      // As grpc-js sends it; a lone half of a surrogate pair would throw here and end the process.
      const size = encodeURI(answer.details).length + ((bytes as Buffer).length * 4) / 3;
      assert.ok(size < 7_000, `${size} bytes for ${length} of '${character}'`);
    }
  }
});

test("a text is cut between characters", () => {
  const { details } = toGrpcStatus(new ProxyError("INVALID_ARGUMENT", "x".repeat(1_022) + "😀😀"), silent);
  assert.equal(details, `${"x".repeat(1_022)}…`);
});
