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
   * @throws ProxyError LISTEN_FAILED naming the endpoint and the cause (port in use, not permitted, no such address).
   */
  listen(options: ListenOptions): Promise<Listener>;
}

/** An IP address (never a name) and a port. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface ListenOptions {
  /** `host` may be "" for all interfaces of both families; port 0 takes a free one. */
  readonly endpoint: Endpoint;
  /** Time for connecting to one target, shared by its endpoints. Milliseconds. */
  readonly connectTimeoutMs: number;
  /** Most targets tried for one client connection. */
  readonly maxAttempts: number;
  /** Where the listener reports to. Called synchronously; must not throw. */
  readonly report: (event: EngineEvent) => void;
}

/** One listening address with its routing table, connections and counters. */
export interface Listener {
  /** Where it listens in fact, with the port that was taken. */
  readonly endpoint: Endpoint;
  /**
   * Swaps the routing table. Once it resolves, no connection is begun by an older table, in any thread; a client
   * whose connect fails afterwards is retried by the new table. Open connections stay where they are.
   */
  apply(table: RoutingTable): Promise<void>;
  /** Counters of a target; zeros for one that the listener does not know. */
  counters(target: string): TargetCounters;
  totals(): ListenerTotals;
  /**
   * Stops accepting and lets open connections end; after `graceMs` the rest is reset. Held connections are reset
   * at once. Resolves when nothing is left. Calling it again returns the same promise.
   */
  close(graceMs: number): Promise<CloseReport>;
  /** Resets every connection now and frees everything. A pending `close` then resolves. Idempotent. */
  destroy(): void;
}

/** Where connections may go. Immutable; a change is a new table. */
export interface RoutingTable {
  /** A target without a place in `sequence` is a last resort: tried, in order, when those in it have failed. */
  readonly targets: readonly Target[];
  /** Indices into `targets`, in the order in which new connections take them, walked in a circle. */
  readonly sequence: readonly number[];
  /**
   * For each position of the previous table's sequence, the position in this one that counts as taken last.
   * Left out: position 0 counts as taken, so that the first connection goes to position 1.
   */
  readonly carry?: readonly number[];
  /** How long a new connection waits while `sequence` is empty, in milliseconds. 0: it is reset at once. */
  readonly holdMs: number;
}

/** A backend with the endpoints its name stands for, in the order in which they are tried. */
export interface Target {
  readonly id: string;
  readonly endpoints: readonly Endpoint[];
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
}

export interface ListenerTotals {
  readonly openConnections: number;
  readonly acceptedConnections: number;
  /** Reset because `maxConnections` were open or no descriptor was left. */
  readonly refusedConnections: number;
  /** Reset because no backend could be connected. */
  readonly unservedConnections: number;
}

export interface CloseReport {
  /** Connections that ended by themselves after `close` was called. */
  readonly ended: number;
  /** Connections that were reset when the time was over. */
  readonly cut: number;
}

export type EngineEvent =
  /** One target could not be connected; `consecutive` counts failures since its last success. */
  | {
      readonly type: "connect-failed";
      readonly target: string;
      readonly code: string;
      readonly consecutive: number;
    }
  /** A target was connected again after failures. */
  | { readonly type: "connect-recovered"; readonly target: string }
  /** A target that is not in the table has no connection left. */
  | { readonly type: "drained"; readonly target: string }
  /** A client was reset: too many connections, no descriptor left, or no backend connectable. */
  | { readonly type: "refused"; readonly reason: "connection-limit" | "descriptors" | "no-backend" };
