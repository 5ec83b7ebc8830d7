import type { ServiceState, WatchPosition } from "./service-state.js";

/** All that the management servers (gRPC, HTTP) may ask of the control plane. */
export interface Management {
  /**
   * @param name "" stands for `default`.
   * @throws ProxyError SERVICE_NOT_FOUND
   */
  service(name: string): ManagedService;
  proxyInfo(): ProxyInfo;
}

export interface ManagedService {
  state(): ServiceState;
  /** @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT, FORBIDDEN_BACKEND, REVISION_MISMATCH, LIMIT_EXCEEDED, SHUTTING_DOWN */
  set(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult>;
  /** @throws as `set` */
  add(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult>;
  /** @throws as `set`, and BACKEND_NOT_FOUND (details: `address`) */
  remove(addresses: readonly string[], options?: ChangeOptions): Promise<ChangeResult>;
  /**
   * Sends the present state first, or what came after `after`, then each state after a change. `send` answers
   * false when the reader can't take more for now; then nothing is sent until `resume`, which sends the latest
   * state if it is a newer one.
   */
  watch(after: WatchPosition | undefined, send: (state: ServiceState) => boolean): Watch;
}

export interface Watch {
  /** The reader can take more. */
  resume(): void;
  close(): void;
}

/** A backend as a request names it: the address unparsed, so that there is one parser and one error. */
export interface BackendRequest {
  readonly address: string;
  /** 1 to 256. Left out: 1 for a new backend, unchanged for one that is there. */
  readonly weight?: number;
}

export interface ChangeOptions {
  readonly expectedRevision?: number;
}

export interface ChangeResult {
  readonly state: ServiceState;
  readonly changed: boolean;
}

export interface ProxyInfo {
  readonly version: string;
  readonly engine: string;
  readonly startedUnixMs: number;
  readonly openConnections: number;
  readonly maxConnections: number;
  readonly acceptedConnections: number;
  readonly refusedConnections: number;
  readonly unservedConnections: number;
  readonly shuttingDown: boolean;
  readonly services: readonly string[];
}
