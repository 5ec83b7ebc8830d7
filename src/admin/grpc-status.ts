import { Metadata, status, type StatusObject } from "@grpc/grpc-js";
import { Any, ErrorInfo, Status } from "@seamless/proto";
import { ProxyError, type ProxyErrorCode } from "../errors.js";
import type { Logger } from "../logger.js";

const STATUS: Readonly<Record<ProxyErrorCode, status>> = {
  INVALID_ADDRESS: status.INVALID_ARGUMENT,
  INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  FORBIDDEN_BACKEND: status.INVALID_ARGUMENT,
  SERVICE_NOT_FOUND: status.NOT_FOUND,
  BACKEND_NOT_FOUND: status.NOT_FOUND,
  REVISION_MISMATCH: status.ABORTED,
  LIMIT_EXCEEDED: status.RESOURCE_EXHAUSTED,
  DEADLINE_EXCEEDED: status.DEADLINE_EXCEEDED,
  SHUTTING_DOWN: status.UNAVAILABLE,
  LISTEN_FAILED: status.INTERNAL,
};

const ERROR_INFO_TYPE = "type.googleapis.com/google.rpc.ErrorInfo";
/** Trailers share the client's limit on header size, 8 KiB by default in most clients. */
const MAX_MESSAGE_LENGTH = 1_000;

/** The only place that turns an error into a gRPC status. What we did not foresee is logged, and told to nobody. */
export function toGrpcStatus(error: unknown, logger: Logger): StatusObject {
  if (error instanceof ProxyError)
    return describe(STATUS[error.code], error.message, error.code, error.details);
  logger.error({ event: "handler-failed", err: error }, "a bug in seamless: a management call failed");
  return describe(status.INTERNAL, "internal error; the proxy's log says more", "INTERNAL", {});
}

function describe(
  code: status,
  message: string,
  reason: string,
  facts: Readonly<Record<string, string>>,
): StatusObject {
  const details = message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
  const info = ErrorInfo.encode({ reason, domain: "seamless", metadata: { ...facts } }).finish();
  const any = Any.create({ typeUrl: ERROR_INFO_TYPE, value: Buffer.from(info) });
  const metadata = new Metadata();
  const rich = Status.encode({ code, message: details, details: [any] }).finish();
  metadata.set("grpc-status-details-bin", Buffer.from(rich));
  return { code, details, metadata };
}
