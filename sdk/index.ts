export type { RetryOptions } from "./backoff.js";
export type { BackendInput } from "./backend-input.js";
export type { CallOptions, ChangeOptions } from "./call-options.js";
export type { SeamlessClient } from "./client.js";
export { connect } from "./connect.js";
export {
  type GrpcStatus,
  SeamlessError,
  type SeamlessErrorCode,
  type SeamlessErrorFields,
} from "./errors.js";
export type { ConnectOptions } from "./options.js";
export type { ChangeResult, GetResponse } from "./results.js";
export type { WatchAfter, WatchOptions } from "./watch-options.js";
export { BackendState } from "@seamless/proto";
export type { Backend, BackendCounters, DrainProgress, ProxyInfo, ServiceState } from "@seamless/proto";
