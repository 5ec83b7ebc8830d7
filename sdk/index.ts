export type { RetryOptions } from "./backoff.js";
export type { BackendInput } from "./backend-input.js";
export type { CallOptions, ChangeOptions, GetOptions, PauseOptions, ResumeOptions } from "./call-options.js";
export type { SeamlessClient } from "./client.js";
export { connect } from "./connect.js";
export type { DeployOptions } from "./deploy-options.js";
export type { DrainingChangeOptions, DrainLimits, RollbackOptions } from "./drain-limits.js";
export type { WaitForDrainOptions } from "./drains.js";
export {
  type GrpcStatus,
  SeamlessError,
  type SeamlessErrorCode,
  type SeamlessErrorFields,
} from "./errors.js";
export type { CheckKind, CheckPace, HealthCheckInput } from "./health-check-input.js";
export type { ConnectOptions, TlsOptions } from "./options.js";
export type { ChangeResult, GetResponse } from "./results.js";
export type {
  BalanceInput,
  CreatedService,
  DeletedService,
  DeleteServiceOptions,
  NewService,
  ServiceCallOptions,
  ServiceSettingsInput,
  Upgraded,
} from "./services.js";
export type { WatchAfter, WatchDeployOptions, WatchFleetOptions, WatchOptions } from "./watch-options.js";
export { BackendState, DeployOutcome, DeployPhase, DrainOutcome, HealthState } from "@seamless/proto";
export type {
  Backend,
  BackendCounters,
  BackendHealth,
  BackendSpec,
  ConnectionEnds,
  DeployCandidate,
  DeployProxy,
  DeployStatus,
  DeployVerdict,
  DrainOptions,
  DrainProgress,
  DrainStatus,
  Fleet,
  FleetBackend,
  FleetProxy,
  FleetService,
  HealthCheck,
  HistoryEntry,
  Ledger,
  LeftList,
  PauseStatus,
  ProxyInfo,
  Refusals,
  ServiceSettings,
  ServiceState,
  StoreStatus,
} from "@seamless/proto";
