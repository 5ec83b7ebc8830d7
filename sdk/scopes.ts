import { onAbort } from "./abortable.js";
import { SeamlessError } from "./errors.js";

/**
 * A scope gathers all that can end one call early (the caller's signal, its time, the client's close, a watch's
 * return) into one signal whose reason is the error to throw. Each call listens to the caller's signal once, and
 * no longer than it lasts.
 */
export interface Scope {
  /** Aborted with a SeamlessError. */
  readonly signal: AbortSignal;
  /** The call has ended: lets go of its signal and timer. */
  end(): void;
}

export interface ScopeOptions {
  readonly method: string;
  /** The caller's. */
  readonly signal?: AbortSignal | undefined;
  /** Aborted when the reader of a watch has left. */
  readonly left?: AbortSignal | undefined;
  readonly deadline?: Deadline | undefined;
}

/** After so long there is an error, which names who did not answer. */
export interface Deadline {
  readonly timeoutMs: number;
  readonly address: string;
}

/** The scopes of one client. */
export interface Scopes {
  open(options: ScopeOptions): Scope;
  /** Aborts all open scopes, and from now on each new one. */
  close(): void;
}

export function createScopes(): Scopes {
  const closing = new Set<() => void>();
  let closed = false;
  return {
    open({ method, signal, left, deadline }) {
      const controller = new AbortController();
      const end = (error: SeamlessError): void => controller.abort(error);
      const close = (): void => end(cancelled("the client was closed", method));
      const timer = deadline && setTimeout(() => end(deadlineExceeded(deadline, method)), deadline.timeoutMs);
      const releases = [
        onAbort(signal, () => end(cancelled("the call's signal was aborted", method, signal?.reason))),
        onAbort(left, () => end(cancelled("the watch was left", method))),
      ];
      if (closed) close();
      closing.add(close);
      return {
        signal: controller.signal,
        end() {
          for (const release of releases) release();
          clearTimeout(timer);
          closing.delete(close);
        },
      };
    },
    close() {
      closed = true;
      for (const close of closing) close();
    },
  };
}

/** The DEADLINE_EXCEEDED error. */
export function deadlineExceeded(
  { timeoutMs, address }: Deadline,
  method: string,
  cause?: unknown,
): SeamlessError {
  return new SeamlessError("DEADLINE_EXCEEDED", `no answer from ${address} within ${timeoutMs} ms`, {
    status: "DEADLINE_EXCEEDED",
    method,
    details: { address },
    cause,
  });
}

function cancelled(text: string, method: string, cause?: unknown): SeamlessError {
  return new SeamlessError("CANCELLED", text, { status: "CANCELLED", method, cause });
}
