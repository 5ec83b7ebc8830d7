import type { EndCause } from "./engine.js";

/** What ends a connection, established or not. */
export type Cause = EndCause | Unserved;
export type Unserved = "left-early" | "connect-failed" | "hold-expired" | "limit";

/** Why a connection that wants to be held is refused. */
export const REFUSALS = { never: "no-backend", full: "hold-limit", expired: "hold-expired" } as const;

/** As what a refused connection is counted. */
export const UNSERVED = {
  "no-backend": "connect-failed",
  "hold-limit": "limit",
  descriptors: "limit",
  "hold-expired": "hold-expired",
  "client-limit": "limit",
  "proxy-header": "limit",
} as const;
