import { status } from "@grpc/grpc-js";
import { EtcdError, type EtcdErrorKind } from "./etcd-error.js";

/** What a failure means beyond its kind, where we act on it. */
export type FailureReason =
  /** The token is no longer good, or there was none: log in and try once more. */
  | "token"
  /** The revision asked for is no more (compacted) or is not yet (another history). */
  | "revision"
  /** There is no such lease. */
  | "lease"
  /** Authentication is switched off in etcd, so that no token is needed. */
  | "no-auth"
  /** The answer is bigger than we receive. */
  | "too-large"
  /** The request is bigger than etcd takes. */
  | "request-too-large"
  | "timeout"
  | "other";

export interface Failure {
  readonly kind: EtcdErrorKind;
  readonly reason: FailureReason;
}

/** How gRPC reports a failure. */
export interface CallStatus {
  readonly code: number;
  readonly details: string;
}

/** A call that failed, with what we have found out about it. */
export class CallError extends EtcdError {
  readonly reason: FailureReason;

  constructor({ kind, reason }: Failure, message: string) {
    super(kind, message);
    this.reason = reason;
  }
}

const is = (kind: EtcdErrorKind, reason: FailureReason = "other"): Failure => ({ kind, reason });

/**
 * etcd tells its errors apart by text alone (several share a gRPC code), and its own client goes by the text, too.
 * Here are those whose meaning their code does not give, by the place in etcd from which they come:
 * - refused before the request is proposed to the cluster: "unreachable", so another member may be asked;
 * - refused by all members when it was applied, without effect: "denied", "invalid".
 * Not here, and so "unknown" by their code: "server stopped", "leader changed", "request timed out..." (all of them
 * while a proposal may be under way), and "mvcc: database space exceeded", which etcd also answers to the very
 * transaction that it has carried out and with which the quota was passed.
 */
const BY_TEXT: ReadonlyMap<string, Failure> = new Map([
  ["etcdserver: no leader", is("unreachable")],
  ["etcdserver: not capable", is("unreachable")],
  ["etcdserver: rpc not supported for learner", is("unreachable")],
  ["etcdserver: too many requests", is("unreachable")],
  ["etcdserver: not leader", is("unreachable")],
  ["etcdserver: invalid auth token", is("denied", "token")],
  ["etcdserver: user name is empty", is("denied", "token")],
  // Roles or users have changed since the token was given. 3.4 has the first text, later ones the second.
  ["auth: revision in header is old", is("denied", "token")],
  ["etcdserver: revision of auth store is old", is("denied", "token")],
  ["etcdserver: authentication failed, invalid user ID or password", is("denied")],
  ["etcdserver: authentication is not enabled", is("denied", "no-auth")],
  ["etcdserver: mvcc: required revision has been compacted", is("invalid", "revision")],
  ["etcdserver: mvcc: required revision is a future revision", is("invalid", "revision")],
  ["etcdserver: requested lease not found", is("invalid", "lease")],
  ["etcdserver: request is too large", is("invalid", "request-too-large")],
]);

const BY_CODE: ReadonlyMap<number, Failure> = new Map([
  [status.UNAUTHENTICATED, is("denied", "token")],
  [status.PERMISSION_DENIED, is("denied")],
  [status.DEADLINE_EXCEEDED, is("unknown", "timeout")],
  [status.UNIMPLEMENTED, is("invalid")],
]);

/** Codes that say the request is wrong, if it is etcd that says so. */
const REFUSALS: readonly number[] = [
  status.INVALID_ARGUMENT,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
];

/** What is known after a call that was sent, or at least handed to gRPC, has failed. When in doubt: "unknown". */
export function classify({ code, details }: CallStatus): Failure {
  const known = BY_TEXT.get(details) ?? BY_CODE.get(code);
  if (known) return known;
  if (REFUSALS.includes(code) && /^(etcdserver|auth): /.test(details)) return is("invalid");
  return /larger than max/i.test(details) ? classifyTooLarge(details) : is("unknown");
}

/** The request for etcd (the text is of Go), or its answer for us: then it may well have been carried out. */
function classifyTooLarge(details: string): Failure {
  return details.startsWith("grpc: received message larger than max")
    ? is("invalid", "request-too-large")
    : is("unknown", "too-large");
}
