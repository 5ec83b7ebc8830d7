import type { ProxyProtocol } from "../proxy-header.js";
import type { TimeHistogram } from "./time-histogram.js";

/**
 * The data plane as the control plane sees it. An engine accepts connections, connects each to a backend, and
 * moves bytes. It knows addresses and counters; names, lists, health and gRPC are not its business.
 *
 * Order of one connection: accept, take the next target from the cursor, connect to one of its endpoints in turn
 * (on failure: the next target, up to `maxAttempts`), then move bytes both ways until both directions have ended.
 * Nothing is read from the client before a backend is connected, so trying again loses nothing.
 */
export interface Engine {
  readonly name: "node" | "native";
  /** Most client connections at once, over all listeners. */
  readonly maxConnections: number;
  /**
   * Binds and starts accepting. Until the first `apply`, connections are treated as with an empty table.
   * @throws ProxyError LISTEN_FAILED naming the address and the cause (port in use, not permitted, no such address).
   */
  listen(options: ListenOptions): Promise<Listener>;
}

/** An IP address (never a name) and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Where clients connect: an IP address (`host` may be "" for all interfaces of both families; port 0 takes a free one),
 * or the absolute path of a Unix socket.
 */
export type ListenAddress = Endpoint | { readonly path: string };

export interface ListenOptions extends ListenerSettings {
  readonly addresses: readonly ListenAddress[];
  /** The listening socket for an address, if the process was given one; it is the engine's then. */
  readonly inherited?: (address: ListenAddress) => InheritedSocket | undefined;
  /** Most connections that wait for a backend at once, unless `pause` says otherwise. */
  readonly maxHeld: number;
  /** Where the listener reports to, at once or soon after. Must not throw. */
  readonly report: (event: EngineEvent) => void;
}

/** A listening socket that another process has made. */
export interface InheritedSocket {
  readonly descriptor: number;
  /** Whether the file of a Unix socket is to go with the socket. */
  readonly ownsPath: boolean;
}

/** What can be set at any time, for connections that come later and, of the time-outs, for all. */
export interface ListenerSettings {
  /** Time for connecting to one target, shared by its endpoints. Milliseconds. */
  readonly connectTimeoutMs: number;
  /** Most targets tried for one client connection. */
  readonly maxAttempts: number;
  /** Silence in both directions after which a connection is closed, to within a second. 0: none. */
  readonly idleTimeoutMs: number;
  /** The same for one that has ended in one direction. 0: as the others. */
  readonly halfCloseTimeoutMs: number;
  /** Most connections open at once. 0: no limit but the engine's. */
  readonly maxConnections: number;
  /** The same of one client: an IPv4 address, or the first 64 bits of an IPv6 address. 0: no limit. */
  readonly maxConnectionsPerClient: number;
  /** Connections accepted per second; as many may come at once. 0: no limit. */
  readonly maxAcceptsPerSecond: number;
  /** Backends are told who the client is by this version of the PROXY protocol. 0: they are not. */
  readonly sendProxy: ProxyProtocol;
  /** Networks, as `10.0.0.0/8`, whose clients are proxies: they must say whom they speak for, by either version. */
  readonly acceptProxyFrom: readonly string[];
}

/** Listening sockets with one routing table, their connections and counters. */
export interface Listener {
  /** Where it listens in fact, with the ports that were taken; once it is closed, where it did. */
  readonly addresses: readonly ListenAddress[];
  /** The listening sockets, for a process that is to take them over. */
  sockets(): readonly ListeningSocket[];
  /**
   * Listens at these addresses from now on: first opens those that are new, then closes those that are not named. If
   * one can't be opened, nothing has changed.
   * @throws ProxyError LISTEN_FAILED
   */
  listenAt(addresses: readonly ListenAddress[]): Promise<void>;
  configure(settings: ListenerSettings): void;
  /**
   * Swaps the routing table. Once it resolves, no connection is begun by an older table, in any thread; one that is
   * just being connected to a target that has lost its turn goes to another, and a client whose connect fails is
   * retried by the new table. Open connections stay where they are.
   */
  apply(table: RoutingTable): Promise<void>;
  /** Counters of a target; zeros for one that the listener does not know. */
  counters(target: string): TargetCounters;
  totals(): ListenerTotals;
  /**
   * From now on new connections wait, also those that are being connected and fail. A wait that takes too long ends
   * in a reset, as does one too many. Calling it again changes the limits for those that come later.
   */
  pause(limits: HoldLimits): void;
  /** Ends the pause. Held connections are let go in the order in which they came, so many per second; 0: at once. */
  resume(pacePerSecond: number): void;
  /** Resets connections of a target, the oldest first, and answers how many. Default: all. */
  cut(target: string, atMost?: number): number;
  /**
   * Closes (with FIN) the connections of a target that have been silent for so long, in both directions, and answers
   * how many. Silence is known to within a second.
   */
  closeIdle(target: string, idleMs: number): number;
  /** When the oldest open connection of a target was accepted, in Unix milliseconds; undefined if none is open. */
  oldestConnection(target: string): number | undefined;
  /**
   * Stops accepting and lets open connections end; after `graceMs` the rest is reset. Held connections are reset
   * at once. Resolves when nothing is left. Calling it again returns the same promise.
   * @param graceMs Infinity: no limit
   */
  close(graceMs: number): Promise<CloseReport>;
  /**
   * Accepts no more, from when it returns: another process goes on with the same sockets. Connections stay, held ones
   * too, and follow what is applied and resumed.
   */
  handOver(): void;
  /** Resets every connection now and frees everything. A pending `close` then resolves. Idempotent. */
  destroy(): void;
}

/** A listening socket, for a process that is to take it over. */
export interface ListeningSocket extends InheritedSocket {
  /** As it was asked for. */
  readonly address: ListenAddress;
}

/** Where connections may go. Immutable; a change is a new table. */
export interface RoutingTable {
  /** A target without a place in `sequence` is a last resort: tried, in order, when those in it have failed. */
  readonly targets: readonly Target[];
  /** Indices into `targets`, in the order in which new connections take them, walked in a circle. */
  readonly sequence: readonly number[];
  /** How a position in `sequence` is chosen for a new connection. */
  readonly choice: Choice;
  /**
   * For each position of the previous table's sequence, the position in this one that counts as taken last.
   * Left out: position 0 counts as taken, so that the first connection goes to position 1.
   */
  readonly carry?: readonly number[];
  /**
   * How long a new connection waits while no target can be connected: `sequence` is empty, or every attempt failed.
   * Milliseconds. 0: it is reset at once.
   */
  readonly holdMs: number;
}

/**
 * `turn`: the next one in the circle. `least`: whose target has the fewest connections for its weight, of equal ones the next in
 * turn. `hash`: by the client's address, modulo the length. `two`: of two random ones, that with fewer connections for its weight.
 */
export const CHOICES = ["turn", "least", "hash", "two"] as const;
export type Choice = (typeof CHOICES)[number];

/** How long a connection may wait for a target, in milliseconds, and how many may wait at once. */
export interface HoldLimits {
  readonly holdMs: number;
  readonly maxHeld: number;
}

/** A backend with the endpoints its name stands for, in the order in which they are tried. */
export interface Target {
  readonly id: string;
  readonly endpoints: readonly Endpoint[];
  /** At least 1. */
  readonly weight: number;
}

export interface TargetCounters {
  /** Open now, including those still connecting. */
  readonly activeConnections: number;
  readonly totalConnections: number;
  readonly failedConnects: number;
  /** Client to backend. */
  readonly bytesIn: number;
  /** Backend to client. */
  readonly bytesOut: number;
  /** How the connections that were established ended. */
  readonly ends: ConnectionEnds;
  /** Of those that were established: until they were. */
  readonly connectTimes: TimeHistogram;
  /** Of those that have ended: from then on, to within a tick of the kernel's clock. */
  readonly lifeTimes: TimeHistogram;
}

/**
 * What ended a connection: the side that closed or aborted first, `cut`, `closeIdle`, or the end of the listener's
 * grace.
 */
export const END_CAUSES = ["client", "backend", "drain", "idle", "shutdown"] as const;
export type EndCause = (typeof END_CAUSES)[number];
export type ConnectionEnds = Readonly<Record<EndCause, number>>;

/** Every accepted connection is open, or counted once in what follows `acceptedConnections`. */
export interface ListenerTotals {
  readonly openConnections: number;
  /** Those of the open ones that wait for a target. */
  readonly heldConnections: number;
  readonly acceptedConnections: number;
  /** Of established connections; `shutdown` also of those that waited then. */
  readonly ends: ConnectionEnds;
  /** The client left before a target was connected. */
  readonly leftEarly: number;
  /** Reset because no target could be connected. */
  readonly connectFailed: number;
  /** Reset because the time of waiting had passed. */
  readonly holdExpired: number;
  /** Reset because of a limit; `refusals` says which. */
  readonly refusedByLimit: number;
  readonly refusals: Refusals;
}

/**
 * Too many connections open in all, no descriptor left, too many held, too many of this listener, or of one client, or
 * too many a second; or a proxy that has not said in time, or not rightly, whom it speaks for.
 */
export const LIMITS = [
  "connection-limit",
  "descriptors",
  "hold-limit",
  "service-limit",
  "client-limit",
  "accept-rate",
  "proxy-header",
] as const;
export type Limit = (typeof LIMITS)[number];
export type Refusals = Readonly<Record<Limit, number>>;

export interface CloseReport {
  /** Connections that ended by themselves after `close` was called. */
  readonly ended: number;
  /** Connections that were reset when the time was over. */
  readonly cut: number;
}

/** A connection of a client, for the log. */
export interface ClientConnection {
  /** Unique, also among those of other processes. */
  readonly id: string;
  /** Who a PROXY header says it is, else the peer. Undefined of a Unix socket, or if the client is gone. */
  readonly client: Endpoint | undefined;
}

/** How a connection that was not refused ended. */
export interface Ending {
  readonly connection: ClientConnection;
  /** Undefined: the client left, or the listener was closed, before one was connected. */
  readonly target: string | undefined;
  readonly cause: EndCause | "left-early";
  /** From when it was accepted until a target was connected, or its end. Milliseconds. */
  readonly waitMs: number;
  /** From then on. Milliseconds. */
  readonly openMs: number;
  /** Client to backend. */
  readonly bytesIn: number;
  /** Backend to client. */
  readonly bytesOut: number;
}

export type EngineEvent =
  /** One target could not be connected; `consecutive` counts failures since its last success. */
  | {
      readonly type: "connect-failed";
      readonly connection: ClientConnection;
      readonly target: string;
      /** The last of its endpoints, of which the code tells. Undefined: it has none. */
      readonly tried: Endpoint | undefined;
      readonly code: string;
      readonly consecutive: number;
    }
  /** A target was connected again after failures. */
  | { readonly type: "connect-recovered"; readonly target: string }
  /** A target that is not in the table has no connection left, and is forgotten; these were its counters. */
  | { readonly type: "drained"; readonly target: string; readonly counters: TargetCounters }
  /** A client was reset. */
  | { readonly type: "refused"; readonly connection: ClientConnection; readonly reason: RefusalReason }
  /** Told only by an engine that is to `tellEnds`. */
  | ({ readonly type: "ended" } & Ending);

/** What an engine tells of connections. */
export interface Telling {
  /** What the ids of its connections begin with. */
  readonly idPrefix: string;
  /** Whether it tells how each connection ended. */
  readonly tellEnds: boolean;
}

/** A limit, or no target connectable, or not within the time of waiting. */
export type RefusalReason = Limit | "no-backend" | "hold-expired";
