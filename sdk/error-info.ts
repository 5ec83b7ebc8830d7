import { Metadata, type ServiceError } from "@grpc/grpc-js";
import { ErrorInfo, Status } from "@seamless/proto";

const DETAILS_TRAILER = "grpc-status-details-bin";
const ERROR_INFO_TYPE = "type.googleapis.com/google.rpc.ErrorInfo";
const DOMAIN = "seamless";

/** What the proxy itself says about an error; undefined for an error of the transport or of another server. */
export function readErrorInfo(error: ServiceError): ErrorInfo | undefined {
  const [trailer] = error.metadata.get(DETAILS_TRAILER);
  if (!Buffer.isBuffer(trailer)) return undefined;
  try {
    return Status.decode(trailer)
      .details.filter(({ typeUrl }) => typeUrl === ERROR_INFO_TYPE)
      .map(({ value }) => ErrorInfo.decode(value))
      .find(({ domain }) => domain === DOMAIN);
  } catch {
    return undefined; // Not protobuf, so not from the proxy: the gRPC status has to do.
  }
}

/** Whether grpc-js made the error from the status of a call. */
export function isServiceError(error: unknown): error is ServiceError {
  return (
    error instanceof Error &&
    "code" in error &&
    typeof error.code === "number" &&
    "metadata" in error &&
    error.metadata instanceof Metadata
  );
}
