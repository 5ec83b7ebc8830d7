import { Metadata, status, type StatusObject } from "@grpc/grpc-js";
import { Any, ErrorInfo, Status } from "@seamless/proto";
import { ProxyError, type ProxyErrorCode } from "../errors.js";
import type { Logger } from "../logger.js";

const STATUS: Readonly<Record<ProxyErrorCode, status>> = {
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
  LIMIT_EXCEEDED: status.RESOURCE_EXHAUSTED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  STORE_FAILED: status.FAILED_PRECONDITION,
  STORE_UNAVAILABLE: status.UNAVAILABLE,
  NO_FLEET: status.FAILED_PRECONDITION,
  STATE_INVALID: status.INTERNAL,
  CONFIG_INVALID: status.INTERNAL,
  SHUTTING_DOWN: status.UNAVAILABLE,
  UPGRADE_FAILED: status.FAILED_PRECONDITION,
  UPGRADE_IN_PROGRESS: status.ABORTED,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  PERMISSION_DENIED: status.PERMISSION_DENIED,
  LISTEN_FAILED: status.FAILED_PRECONDITION,
  ENGINE_UNAVAILABLE: status.INTERNAL,
};

const ERROR_INFO_TYPE = "type.googleapis.com/google.rpc.ErrorInfo";
/**
 * Many clients take 8 KiB of trailers, and a status repeats its text twice there: percent-encoded (up to three times
 * its length) in `grpc-message`, and in base64 in `grpc-status-details-bin`.
 */
const MAX_MESSAGE_BYTES = 1_024;
const MAX_FACT_BYTES = 512;

/** The only place that turns an error into a gRPC status. What we did not foresee is logged, and told to nobody. */
export function toGrpcStatus(error: unknown, logger: Logger): StatusObject {
  if (error instanceof ProxyError && STATUS[error.code] !== status.INTERNAL)
    return describe(STATUS[error.code], error.message, error.code, error.details);
  logger.error({ event: "handler-failed", err: error }, "a bug in seamless: a management call failed");
  return describe(status.INTERNAL, "internal error; the proxy's log says more", "INTERNAL", {});
}

function describe(
  code: status,
  text: string,
  reason: string,
  facts: Readonly<Record<string, string>>,
): StatusObject {
  const message = shorten(text, MAX_MESSAGE_BYTES);
  const info = ErrorInfo.encode({
    reason,
    domain: "seamless",
    metadata: Object.fromEntries(
      Object.entries(facts).map(([key, value]) => [key, shorten(value, MAX_FACT_BYTES)]),
    ),
  }).finish();
  const any = Any.create({ typeUrl: ERROR_INFO_TYPE, value: Buffer.from(info) });
  const metadata = new Metadata();
  metadata.set(
    "grpc-status-details-bin",
    Buffer.from(Status.encode({ code, message, details: [any] }).finish()),
  );
  return { code, details: message, metadata };
}

/** Cuts between characters. A half of a surrogate pair becomes U+FFFD: grpc-js' `encodeURI` would throw at it. */
function shorten(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return bytes.toString();
  return `${new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true })}…`;
}
