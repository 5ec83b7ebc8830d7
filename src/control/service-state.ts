import type { Refusals, TargetCounters } from "../engine/engine.js";
import type { DeployStatus } from "./deploy-status.js";
import type { Drain } from "./drain.js";
import type { HealthCheck } from "./health-check.js";
import type { Health } from "./health.js";
import type { Ledger } from "./ledger.js";
import type { PauseRecord } from "./service-record.js";
import type { ServiceSettings } from "./service-settings.js";

/** A service's state as the control plane shows it: immutable, one value per moment, no I/O. */
export interface ServiceState {
  readonly service: string;
  readonly instanceId: string;
  /** One higher with each change of the list. Starts at 1. */
  readonly revision: number;
  /** One higher with each state that watchers are sent. Starts at 1. */
  readonly sequence: number;
  /** The list in rotation order, then the draining backends, the longest draining first. */
  readonly backends: readonly BackendView[];
  readonly listenAddresses: readonly string[];
  readonly healthCheck: HealthCheck | undefined;
  readonly pause: PauseRecord | undefined;
  /** The one under way, else the last. */
  readonly deploy: DeployStatus | undefined;
  readonly ledger: Ledger;
  readonly heldConnections: number;
  readonly openConnections: number;
  readonly acceptedConnections: number;
  readonly refusals: Refusals;
  readonly settings: ServiceSettings;
}

export type BackendStatus = "active" | "unresolved" | "ejected" | "unhealthy" | "draining";

export interface BackendView {
  readonly address: string;
  readonly weight: number;
  readonly status: BackendStatus;
  readonly resolvedAddresses: readonly string[];
  /** "" when nothing is wrong. */
  readonly error: string;
  readonly counters: TargetCounters;
  readonly health: Health | undefined;
  readonly drain?: DrainView;
}

/** A drain under way, with what only the engine knows of it. */
export interface DrainView {
  readonly drain: Drain;
  readonly oldestUnixMs: number | undefined;
}

/** Where a watcher goes on from; see WatchPosition in the proto. */
export interface WatchPosition {
  readonly revision: number;
  /** 0: known by revision only. */
  readonly sequence: number;
  /** "": not checked. */
  readonly instanceId: string;
}
