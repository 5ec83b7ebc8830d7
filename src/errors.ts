/** What can be wrong with a request or with the proxy; stable, and sent to clients as the error's reason. */
export type ProxyErrorCode =
  | "INVALID_ADDRESS"
  | "INVALID_ARGUMENT"
  | "FORBIDDEN_BACKEND"
  | "SERVICE_NOT_FOUND"
  | "SERVICE_EXISTS"
  | "SERVICE_CONFIGURED"
  | "LIST_EXISTS"
  | "LIST_IN_USE"
  | "BACKEND_NOT_FOUND"
  | "REVISION_MISMATCH"
  | "REVISION_NOT_FOUND"
  | "DRAIN_NOT_FOUND"
  | "DEPLOY_IN_PROGRESS"
  | "DEPLOY_NOT_FOUND"
  | "LIMIT_EXCEEDED"
  | "DEADLINE_EXCEEDED"
  | "STORE_FAILED"
  | "STORE_UNAVAILABLE"
  | "NO_FLEET"
  | "STATE_INVALID"
  | "CONFIG_INVALID"
  | "SHUTTING_DOWN"
  | "UPGRADE_FAILED"
  | "UPGRADE_IN_PROGRESS"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "LISTEN_FAILED"
  | "ENGINE_UNAVAILABLE";

export interface ProxyErrorOptions {
  /** Facts that a program may act on, such as `current_revision`. */
  readonly details?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error that its reader can do something about: the message says what was wrong, where, and what to do. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly code: ProxyErrorCode;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: ProxyErrorCode, message: string, options: ProxyErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }
}
