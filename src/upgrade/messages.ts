import type { HandedService } from "../control/handed-service.js";
import type {
  HoldLimits,
  ListenerSettings,
  ListenerTotals,
  RoutingTable,
  TargetCounters,
} from "../engine/engine.js";

/**
 * What two processes of the proxy say to each other while one takes the place of the other, in this order:
 *
 *     old                                   new
 *      │ starts it                           │ reads its configuration, loads its engine
 *      │                    ◄─── loaded ──── │
 *      │ lets changes wait                   │
 *      │ ──── state ───►                     │ opens the services, then management, then accepts
 *      │                    ◄── serving ──── │
 *      │ accepts no more                     │
 *      │ ──── yours ───►                     │ takes changes
 *      │ ──── remains ─►  ◄── commands ───── │ as long as the old one has connections
 *
 * Up to `serving` the new one changes nothing for anybody, and whatever goes wrong ends with it. From then on every
 * socket has always one that accepts, and changes have one that takes them: each waits until `yours`.
 */
export type FromOld = HandOver | { readonly type: "yours" } | Remains | Applied;
export type FromNew =
  | { readonly type: "loaded"; readonly protocol: number; readonly version: string }
  | { readonly type: "serving" }
  | { readonly type: "failed"; readonly message: string }
  | Command;

/** Raised when one side could misunderstand the other. */
export const PROTOCOL = 1;

export interface HandOver {
  readonly type: "state";
  readonly protocol: number;
  readonly pid: number;
  readonly version: string;
  /** The records of all services, as in a state file. */
  readonly state: string;
  readonly services: Readonly<Record<string, HandedService & ListenerReport>>;
  /** Under which the new process goes on in the fleet. */
  readonly fleetId: string | undefined;
  /** Each has the same number in the new process. */
  readonly sockets: readonly HandedSocket[];
}

export interface HandedSocket {
  /** The service it belongs to, or the part of management. */
  readonly owner: string;
  /** As it was asked for, with the port that was asked for. */
  readonly address: string;
  readonly descriptor: number;
  readonly ownsPath: boolean;
}

/** What a listener has counted, and still has. */
export interface ListenerReport {
  readonly totals: ListenerTotals;
  readonly targets: Readonly<Record<string, TargetReport>>;
}

export interface TargetReport {
  readonly counters: TargetCounters;
  /** When the oldest open connection was accepted, in Unix milliseconds. */
  readonly oldest?: number | undefined;
}

/** What has changed since the last one. */
export interface Remains {
  readonly type: "remains";
  readonly services: Readonly<Record<string, ListenerReport>>;
  /** All that are open, of deleted services too. */
  readonly openConnections: number;
}

/** A table is in force. */
export interface Applied {
  readonly type: "applied";
  readonly service: string;
  readonly id: number;
}

/** What the new process has the old one do with the connections of a service. */
export type Command = { readonly type: "command"; readonly service: string } & (
  | { readonly do: "apply"; readonly id: number; readonly table: RoutingTable }
  | { readonly do: "configure"; readonly settings: ListenerSettings }
  | { readonly do: "pause"; readonly limits: HoldLimits }
  | { readonly do: "resume"; readonly pacePerSecond: number }
  | { readonly do: "cut"; readonly target: string; readonly atMost: number }
  | { readonly do: "close-idle"; readonly target: string; readonly idleMs: number }
  | { readonly do: "close"; readonly graceMs: number | undefined }
);
