import { once } from "node:events";
import { connect } from "node:net";
import type { Target } from "./options.js";

/** Why no connection to the proxy comes about. */
export interface Finding {
  /** In words, to be put into a sentence. */
  readonly reason: string;
  readonly cause?: unknown;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset",
  ENOENT: "no such socket",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOTFOUND: "host name not found",
  EAI_AGAIN: "the host name can't be looked up now",
  EHOSTUNREACH: "host not reachable",
  ENETUNREACH: "network not reachable",
};

/**
 * Finds out by connecting once more. grpc-js knows the reason too, but tells it only inside a sentence, which is
 * nothing to build on.
 */
export async function probe(target: Target, timeoutMs: number): Promise<Finding> {
  const socket = connect(
    target.kind === "unix" ? { path: target.path } : { host: target.host, port: target.port },
  );
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(timeoutMs) });
    return {
      reason:
        "something accepts connections there, but it does not speak gRPC, or only with TLS and a certificate that is trusted",
    };
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (code === "ABORT_ERR") return { reason: "nothing answers", cause };
    return { reason: REASONS[code] ?? code, cause };
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}
