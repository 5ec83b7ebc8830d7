import { status } from "@grpc/grpc-js";
import { isServiceError, readErrorInfo } from "./error-info.js";

const REASONS = [
  "INVALID_ADDRESS",
  "INVALID_ARGUMENT",
  "FORBIDDEN_BACKEND",
  "SERVICE_NOT_FOUND",
  "SERVICE_EXISTS",
  "SERVICE_CONFIGURED",
  "LIST_EXISTS",
  "LIST_IN_USE",
  "BACKEND_NOT_FOUND",
  "REVISION_MISMATCH",
  "REVISION_NOT_FOUND",
  "DRAIN_NOT_FOUND",
  "DEPLOY_IN_PROGRESS",
  "DEPLOY_NOT_FOUND",
  "STORE_FAILED",
  "STORE_UNAVAILABLE",
  "NO_FLEET",
  "LISTEN_FAILED",
  "LIMIT_EXCEEDED",
  "SHUTTING_DOWN",
  "UPGRADE_FAILED",
  "UPGRADE_IN_PROGRESS",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "INTERNAL",
] as const;

const STATUSES_THAT_ARE_CODES = [
  "UNAVAILABLE",
  "DEADLINE_EXCEEDED",
  "CANCELLED",
  "INVALID_ARGUMENT",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "INTERNAL",
] as const;

/**
 * What went wrong, for programs to act on. Codes are stable; messages are for people and may change.
 *
 * Said by the proxy:
 * - `INVALID_ADDRESS`: an address is not `host:port`; `details.address` names it.
 * - `INVALID_ARGUMENT`: another part of the request is wrong, such as an empty list or a weight out of range.
 * - `FORBIDDEN_BACKEND`: the proxy does not connect to that address, as to its own ports.
 * - `SERVICE_NOT_FOUND`: the proxy has no service of that name.
 * - `SERVICE_EXISTS`: there is a service of that name already.
 * - `SERVICE_CONFIGURED`: the service is in the proxy's configuration, so that a request can't delete it.
 * - `LIST_EXISTS`: the fleet has a list of that name already, with other backends or checks than were asked for.
 * - `LIST_IN_USE`: another proxy of the fleet serves the list that was to be removed, too.
 * - `LISTEN_FAILED`: the new service can't listen there; the message says why.
 * - `UNAUTHENTICATED`: the proxy wants a token, and this is none of its.
 * - `PERMISSION_DENIED`: the token is not for this service, or not for this call.
 * - `BACKEND_NOT_FOUND`: an address to remove or to weigh is not in the list; `details.address` names it.
 * - `REVISION_MISMATCH`: the list was changed since; {@link SeamlessError.currentRevision} holds its revision.
 * - `REVISION_NOT_FOUND`: the history has no such revision to roll back to.
 * - `DRAIN_NOT_FOUND`: a backend is not draining; `details.address` names it.
 * - `DEPLOY_IN_PROGRESS`: another deploy of the service is under way.
 * - `DEPLOY_NOT_FOUND`: there has been no deploy to watch since the proxy started.
 * - `STORE_FAILED`: the change could not be stored, and was not made.
 * - `STORE_UNAVAILABLE`: the proxy can't reach the store that it shares with others. A change was not made, unless
 *   `details.outcome` is `unknown`: then the store may have it all the same.
 * - `NO_FLEET`: the proxy has no store that it shares, so that there is no fleet to ask or to wait for.
 * - `LIMIT_EXCEEDED`: too many backends or watches.
 * - `SHUTTING_DOWN`: the proxy is stopping and takes no changes.
 * - `UPGRADE_FAILED`: the new process can't take over; the message says why, and the present one goes on.
 * - `UPGRADE_IN_PROGRESS`: an upgrade is under way, or the process has just been replaced.
 * - `INTERNAL`: the proxy failed; its log says more.
 *
 * Seen by the SDK:
 * - `UNAVAILABLE`: no proxy answers there, or the connection to it broke.
 * - `DEADLINE_EXCEEDED`: no answer within `timeoutMs`.
 * - `CANCELLED`: the call's signal was aborted (`cause` is its reason), or the client was closed.
 * - `UNKNOWN`: anything else; `status` and `cause` say what.
 * - `INVALID_OPTIONS`: an argument that can't be sent at all. `connect` throws it, the methods reject with it.
 */
export type SeamlessErrorCode =
  | (typeof REASONS)[number]
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_OPTIONS";

/** Name of a gRPC status, such as `NOT_FOUND`. */
export type GrpcStatus = keyof typeof status;

/** What a {@link SeamlessError} is made of. */
export interface SeamlessErrorFields {
  /** gRPC status, of the answer or the nearest one. */
  readonly status: GrpcStatus;
  /** SDK method that failed, such as `connect`, `get` or `watch`. */
  readonly method: string;
  /** Facts that a program may act on. Default: none. */
  readonly details?: Readonly<Record<string, string>>;
  /** The error behind this one. */
  readonly cause?: unknown;
}

/** The one error that the SDK throws. Its message starts with its {@link SeamlessErrorCode | code}. */
export class SeamlessError extends Error {
  /** `SeamlessError`. */
  override readonly name = "SeamlessError";
  /** What went wrong; stable. */
  readonly code: SeamlessErrorCode;
  /** gRPC status, of the answer or the nearest one. */
  readonly status: GrpcStatus;
  /** SDK method that failed, such as `connect`, `get` or `watch`. */
  readonly method: string;
  /**
   * Facts that a program may act on, such as `address`. `outcome` is `unknown` when a change had been sent and its
   * answer, or that of the proxy's store, did not come: it may or may not have been carried out.
   */
  readonly details: Readonly<Record<string, string>>;
  /** With `REVISION_MISMATCH`: the revision that the service has now. */
  readonly currentRevision?: bigint;

  /**
   * @param code - What went wrong.
   * @param text - The same for people, without the code.
   * @param fields - The rest.
   */
  constructor(code: SeamlessErrorCode, text: string, fields: SeamlessErrorFields) {
    super(`${code}: ${text}`, fields.cause === undefined ? {} : { cause: fields.cause });
    this.code = code;
    this.status = fields.status;
    this.method = fields.method;
    this.details = fields.details ?? {};
    const revision = this.details["current_revision"];
    if (revision !== undefined && /^\d+$/.test(revision)) this.currentRevision = BigInt(revision);
  }

  /**
   * Makes a SeamlessError of anything that was thrown; one that is a SeamlessError already is given back. The code
   * is the reason that the proxy gives in the status details, or follows from the gRPC status if it gives none.
   *
   * @param error - What was thrown.
   * @param method - SDK method that failed.
   */
  static from(error: unknown, method: string): SeamlessError {
    if (error instanceof SeamlessError) return error;
    if (!isServiceError(error)) {
      const text = error instanceof Error ? error.message : String(error);
      return new SeamlessError("UNKNOWN", text, { status: "UNKNOWN", method, cause: error });
    }
    const info = readErrorInfo(error);
    const name = nameOfStatus(error.code);
    const code = REASONS.find((reason) => reason === info?.reason) ?? codeOfStatus(name);
    const details = info?.metadata ?? {};
    return new SeamlessError(code, error.details, { status: name, method, details, cause: error });
  }
}

/** Whether the proxy says that its store can't be reached, and that the change therefore was not made. */
export function isRefusedByStore({ code, details }: SeamlessError): boolean {
  return code === "STORE_UNAVAILABLE" && details["outcome"] !== "unknown";
}

/**
 * Whether a watch may go on after this: the connection or the stream was broken, or the proxy is stopping. What
 * the proxy says of the request itself (SERVICE_NOT_FOUND) stays true however often it is asked.
 *
 * A reset stream ends with INTERNAL or CANCELLED; so does a bug of the proxy, but that carries a reason.
 */
export function isBreak({ status: name, cause }: SeamlessError): boolean {
  if (name === "UNAVAILABLE") return true;
  const fromProxy = isServiceError(cause) && readErrorInfo(cause) !== undefined;
  return !fromProxy && (name === "INTERNAL" || name === "CANCELLED");
}

function nameOfStatus(code: status): GrpcStatus {
  return (status[code] as GrpcStatus | undefined) ?? "UNKNOWN";
}

function codeOfStatus(name: GrpcStatus): SeamlessErrorCode {
  return STATUSES_THAT_ARE_CODES.find((code) => code === name) ?? "UNKNOWN";
}
