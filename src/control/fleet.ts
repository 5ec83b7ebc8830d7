import type { BackendList } from "./backend-list.js";
import type { DeployCandidate } from "./deploy-status.js";
import type { DrainState } from "./drain.js";
import type { ConnectionEnds } from "../engine/engine.js";
import type { HealthCheck } from "./health-check.js";
import type { BackendStatus } from "./service-state.js";
import type { Latest, SharedCopy } from "./shared-service.js";

/** The proxies that share their lists, as this one knows them. */
export interface Fleet {
  /** The id of this proxy. */
  readonly self: string;
  readonly store: StoreStatus;
  /** Those whose lease has not run out, this one included, by name and id. */
  members(): readonly FleetMember[];
  /** Calls back whenever a member, a deploy or the store may have changed. */
  onChange(call: () => void): () => void;
  copyOf(service: string): SharedCopy;
  /** Calls back with what the store tells of a service by itself. */
  follow(service: string, onLatest: (latest: Latest) => void): () => void;
  /** Tells the others of this proxy. */
  report(services: readonly MemberService[]): void;
  /** The deploy of a service that is under way, by whichever proxy. */
  deployOf(service: string): DeployNote | undefined;
  /**
   * Announces a deploy, for as long as this proxy lives or until it is withdrawn.
   * @throws ProxyError DEPLOY_IN_PROGRESS, STORE_UNAVAILABLE
   */
  announce(service: string, note: DeployNote): Promise<() => void>;
  /** Another process goes on as this proxy. */
  handOver(): void;
  /** This proxy leaves. */
  close(): Promise<void>;
}

/** Where the lists live, and whether they can be changed there. */
export interface StoreStatus {
  readonly kind: "memory" | "file" | "etcd";
  readonly available: boolean;
  /** Since when other proxies may have changed what is served here; undefined: it is the latest. */
  readonly staleSinceUnixMs: number | undefined;
  /** "": nothing is wrong. */
  readonly error: string;
}

/** Of a proxy that is alone and has no state file. */
export const IN_MEMORY: StoreStatus = {
  kind: "memory",
  available: true,
  staleSinceUnixMs: undefined,
  error: "",
};

export interface FleetMember {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly startedUnixMs: number;
  /** It has found that another live proxy has the same name, which two should not. */
  readonly sharesName: boolean;
  readonly services: readonly MemberService[];
}

/** What a proxy knows of itself when it starts. */
export type FleetSelf = Omit<FleetMember, "services" | "sharesName">;

/** What a proxy tells of one of its services. */
export interface MemberService {
  readonly service: string;
  /** Of the list that every engine thread goes by. */
  readonly revision: number;
  readonly openConnections: number;
  readonly backends: readonly MemberBackend[];
  /** Of the fleet's deploy under way. */
  readonly deploy: MemberDeploy | undefined;
}

export interface MemberBackend {
  readonly address: string;
  readonly status: BackendStatus;
  readonly open: number;
  readonly total: number;
  readonly failed: number;
}

export interface MemberDeploy {
  readonly id: string;
  readonly candidates: readonly DeployCandidate[];
  /** Of the backends that leave. */
  readonly drains: readonly MemberDrain[];
}

export interface MemberDrain {
  readonly address: string;
  readonly startedUnixMs: number;
  readonly atStart: number;
  readonly open: number;
  readonly ends: ConnectionEnds;
  readonly state: DrainState;
}

/** What the others have to know of a deploy. */
export interface DeployNote {
  readonly id: string;
  /** The proxy that carries it out. */
  readonly coordinator: string;
  /** Whether the others judge the health of the new backends, too. */
  readonly fleet: boolean;
  readonly check: HealthCheck;
  readonly candidates: BackendList;
  readonly leaving: readonly string[];
}
