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
}

export type BackendStatus = "active" | "unresolved" | "ejected" | "draining";

export interface BackendView {
  readonly address: string;
  readonly weight: number;
  readonly status: BackendStatus;
  readonly resolvedAddresses: readonly string[];
  /** "" when nothing is wrong. */
  readonly error: string;
  readonly counters: BackendCounters;
  readonly drain?: DrainView;
}

export interface BackendCounters {
  readonly activeConnections: number;
  readonly totalConnections: number;
  readonly failedConnects: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface DrainView {
  readonly startedUnixMs: number;
  readonly connectionsAtStart: number;
  readonly openConnections: number;
}

/** Where a watcher goes on from; see WatchPosition in the proto. */
export interface WatchPosition {
  readonly revision: number;
  /** 0: known by revision only. */
  readonly sequence: number;
  /** "": not checked. */
  readonly instanceId: string;
}
