import { ProxyError } from "../errors.js";
import { EtcdError } from "../etcd/etcd-error.js";

/** The only place that says what a failure of the store means for the one who asked. */
export function storeError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (!(error instanceof EtcdError))
    return new ProxyError("STORE_FAILED", `the store holds what this version can't read: ${text}`, options);
  switch (error.kind) {
    case "denied":
      return new ProxyError("STORE_FAILED", `the store refuses this proxy: ${text}`, options);
    case "invalid":
      return new ProxyError("STORE_FAILED", `the store refuses the change: ${text}`, options);
    case "unreachable":
    case "unknown":
      return new ProxyError(
        "STORE_UNAVAILABLE",
        `the store can't be reached, so that nothing can be changed now: ${text}`,
        options,
      );
  }
}
