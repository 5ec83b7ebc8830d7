import { Metadata, type Client, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import { CallError, classify } from "./failure.js";

/** What every call sends along. A member that has no leader then refuses it, instead of letting it wait. */
export function callMetadata(token: string | undefined): Metadata {
  const metadata = new Metadata();
  metadata.set("hasleader", "true");
  if (token !== undefined) metadata.set("token", token);
  return metadata;
}

export interface UnaryOptions {
  readonly timeoutMs: number;
  readonly token?: string | undefined;
  /** Cancels the call. */
  readonly signal: AbortSignal;
  /** For error texts. */
  readonly at: string;
}

/** One call on a connection that is there. @throws CallError */
export function unary<Q, A>(
  client: Client,
  method: MethodDefinition<Q, A>,
  request: Q,
  { timeoutMs, token, signal, at }: UnaryOptions,
): Promise<A> {
  const { path, requestSerialize, responseDeserialize } = method;
  const deadline = Date.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, answer?: A): void => {
      signal.removeEventListener("abort", cancel);
      if (error) reject(callError(error, at, () => requestSerialize(request).length));
      else resolve(answer as A);
    };
    const metadata = callMetadata(token);
    const cancel = begun(at, () => {
      const call = client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline },
        done,
      );
      return () => call.cancel();
    });
    signal.addEventListener("abort", cancel);
    if (signal.aborted) cancel();
  });
}

/** Begins a call. Another call may have given the connection up in the meantime: gRPC then throws, and sends nothing. */
export function begun<T>(at: string, begin: () => T): T {
  try {
    return begin();
  } catch (error) {
    const message = `etcd at ${at}: ${(error as Error).message}`;
    throw new CallError({ kind: "unreachable", reason: "other" }, message);
  }
}

/** @param sizeOf how many bytes the request has; for what is sent in one */
export function callError({ code, details }: ServiceError, at: string, sizeOf?: () => number): CallError {
  const failure = classify({ code, details });
  const isTooLarge = failure.reason === "request-too-large" && sizeOf;
  const text = isTooLarge ? `it takes no request of ${sizeOf()} bytes (${LIMIT}): ${details}` : details;
  return new CallError(failure, `etcd at ${at}: ${text}`);
}

const LIMIT = "its --max-request-bytes is 1572864 unless set otherwise";
