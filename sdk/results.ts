import type { ProxyInfo, ServiceState } from "@seamless/proto";
import { SeamlessError } from "./errors.js";

/** The present state of a service and of the proxy. */
export interface GetResponse {
  /** State of the service that was asked for. */
  readonly state: ServiceState;
  /** The proxy process, across its services. */
  readonly proxy: ProxyInfo;
}

/** What a change did. */
export interface ChangeResult {
  /** State after the call. */
  readonly state: ServiceState;
  /** False if nothing was to be done; the revision is then unchanged. */
  readonly changed: boolean;
}

/** The contract promises it; a server that leaves it out is not a Seamless proxy. */
export function present<T>(part: T | undefined, method: string): T {
  if (part !== undefined) return part;
  throw new SeamlessError("UNKNOWN", "the answer is incomplete; is it a Seamless proxy?", {
    status: "UNKNOWN",
    method,
  });
}
