import type { DeployStatus } from "./deploy-status.js";
import type { Drain, DrainLimits } from "./drain.js";
import type { FleetMember, StoreStatus } from "./fleet.js";
import type { HealthCheckRequest } from "./health-check.js";
import type { HistoryEntry } from "./history.js";
import type { LeftList } from "./left-list.js";
import type { SettingsRequest } from "./service-settings.js";
import type { ServiceState, WatchPosition } from "./service-state.js";

/** All that the management servers (gRPC, HTTP) may ask of the control plane. */
export interface Management {
  /**
   * @param name "" stands for `default`.
   * @throws ProxyError SERVICE_NOT_FOUND
   */
  service(name: string): ManagedService;
  /** The present revision of a service; undefined if there is none of that name. */
  revisionOf(service: string): number | undefined;
  /** Sorted. */
  serviceNames(): readonly string[];
  /**
   * Opens another service, which lasts as the lists do.
   * @throws ProxyError INVALID_ARGUMENT, INVALID_ADDRESS, FORBIDDEN_BACKEND, SERVICE_EXISTS, LIST_EXISTS, LISTEN_FAILED,
   * STORE_FAILED, STORE_UNAVAILABLE, SHUTTING_DOWN
   */
  createService(request: CreateServiceRequest): Promise<CreatedService>;
  /**
   * It accepts no more; its open connections end in their own time.
   * @throws ProxyError SERVICE_NOT_FOUND, SERVICE_CONFIGURED, STORE_FAILED, and, with the list, LIST_IN_USE,
   * STORE_UNAVAILABLE
   */
  deleteService(request: DeleteServiceRequest): Promise<DeletedService>;
  proxyInfo(): ProxyInfo;
  /** @throws ProxyError NO_FLEET */
  fleet(): FleetView;
  /** Sends how the fleet is, now and after each change. @throws ProxyError NO_FLEET */
  watchFleet(send: (fleet: FleetView) => boolean): Watch;
  /**
   * Starts the program anew, which goes on with the listening sockets and the lists; this process then only has the
   * connections that are open.
   * @throws ProxyError UPGRADE_FAILED, UPGRADE_IN_PROGRESS, DEPLOY_IN_PROGRESS; then this process goes on
   */
  upgrade(actor: string): Promise<Upgraded>;
}

/** The live proxies that share their lists. */
export interface FleetView {
  readonly self: string;
  readonly members: readonly FleetMember[];
  readonly store: StoreStatus;
}

/** The process that has taken over. */
export interface Upgraded {
  readonly pid: number;
  readonly version: string;
}

export interface ManagedService {
  state(): ServiceState;
  /** Asks a shared store for the latest first. @throws ProxyError STORE_UNAVAILABLE, SHUTTING_DOWN */
  freshState(): Promise<ServiceState>;
  /**
   * @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT, FORBIDDEN_BACKEND, REVISION_MISMATCH, LIMIT_EXCEEDED,
   * STORE_FAILED, SHUTTING_DOWN
   */
  set(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult>;
  /** @throws as `set` */
  add(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult>;
  /** @throws as `set`, and BACKEND_NOT_FOUND (details: `address`) */
  remove(addresses: readonly string[], options?: ChangeOptions): Promise<ChangeResult>;
  /** @throws as `remove` */
  weigh(backends: readonly BackendRequest[], options?: ChangeOptions): Promise<ChangeResult>;
  /** Takes draining backends back. @throws as `set`, and DRAIN_NOT_FOUND (details: `address`) */
  undrain(addresses: readonly string[], options?: ChangeOptions): Promise<ChangeResult>;
  /** @throws as `set`, and REVISION_NOT_FOUND */
  rollback(revision: number | undefined, options?: ChangeOptions): Promise<ChangeResult>;
  /** The newest first. */
  history(): readonly HistoryEntry[];
  /** @throws ProxyError DRAIN_NOT_FOUND (details: `address`), INVALID_ADDRESS, INVALID_ARGUMENT */
  changeDrain(addresses: readonly string[], limits: DrainLimits): Promise<ServiceState>;
  /**
   * Sends how the drains are, now and after each change; in the last value all have ended.
   * @param addresses none: all that are under way
   * @throws ProxyError DRAIN_NOT_FOUND (details: `address`), INVALID_ADDRESS
   */
  watchDrains(addresses: readonly string[], send: (drains: readonly Drain[]) => boolean): Watch;
  /** @throws ProxyError INVALID_ARGUMENT, STORE_FAILED, SHUTTING_DOWN */
  pause(request: PauseRequest): Promise<ChangeResult>;
  /** @throws ProxyError INVALID_ARGUMENT, STORE_FAILED, SHUTTING_DOWN */
  resume(pacePerSecond?: number): Promise<ChangeResult>;
  /** @throws ProxyError INVALID_ARGUMENT, STORE_FAILED, SHUTTING_DOWN */
  setHealthCheck(check: HealthCheckRequest | undefined): Promise<ChangeResult>;
  /** @throws as `set`, and DEPLOY_IN_PROGRESS */
  deploy(request: DeployRequest): Promise<StartedDeploy>;
  /** Sends the status of the present or last deploy, now and after each change. @throws ProxyError DEPLOY_NOT_FOUND */
  watchDeploy(send: (status: DeployStatus) => boolean): Watch;
  /**
   * Sends the present state first, or what came after `after`, then each state after a change. `send` answers
   * false when the reader can't take more for now; then nothing is sent until `resume`, which sends the latest
   * state if it is a newer one.
   */
  watch(after: WatchPosition | undefined, send: (state: ServiceState) => boolean): Watch;
}

export interface CreateServiceRequest {
  readonly name: string;
  /** Unparsed; see `listen-address.ts`. */
  readonly listen: readonly string[];
  /** None: an empty list. */
  readonly backends: readonly BackendRequest[];
  readonly settings: SettingsRequest;
  readonly actor: string;
}

export interface CreatedService {
  readonly state: ServiceState;
  /** The fleet had a list of that name, which the service goes by now. */
  readonly joinedList: boolean;
}

export interface DeleteServiceRequest {
  readonly name: string;
  /** Take its list out of the store that it is shared in, too. */
  readonly withList: boolean;
  readonly actor: string;
}

export interface DeletedService {
  /** Undefined: the list was this proxy's alone, and is gone. */
  readonly list: LeftList | undefined;
}

export interface StartedDeploy {
  /** As `watchDeploy`, of this deploy. */
  watch(send: (status: DeployStatus) => boolean): Watch;
  /** Whoever asked for it has gone: it is cancelled if it has not switched yet. */
  callerLeft(): void;
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

/** Who asks (see `Author`), and under which condition. */
export interface ChangeOptions {
  readonly expectedRevision?: number | undefined;
  readonly actor?: string | undefined;
  readonly from?: string | undefined;
  /** For the backends that leave. */
  readonly drain?: DrainLimits | undefined;
}

export interface PauseRequest {
  /** Default: 30 s. */
  readonly holdLimitMs?: number | undefined;
  /** Default: 10,000. */
  readonly maxHeld?: number | undefined;
}

export interface DeployRequest extends ChangeOptions {
  readonly backends: readonly BackendRequest[];
  readonly healthTimeoutMs?: number | undefined;
  readonly healthCheck?: HealthCheckRequest | undefined;
  readonly canaryPercents?: readonly number[];
  readonly canaryStepMs?: number | undefined;
  readonly bakeMs?: number;
  readonly maxConnectFailurePercent?: number | undefined;
  /** See `DeployPlan`. */
  readonly fleet?: boolean;
  readonly quorum?: number;
  readonly firstProxies?: number;
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
  /** A process that this one has taken the place of, and that still has connections. */
  readonly predecessor: PredecessorInfo | undefined;
  readonly store: StoreStatus;
}

export interface PredecessorInfo {
  readonly pid: number;
  readonly version: string;
  /** Those are in the other counts, too. */
  readonly openConnections: number;
}
