import type { ListenerTotals } from "../engine/engine.js";
import type { ProxyInfo } from "./management.js";

/** What is summed up of each service. */
type Summand = Pick<
  ListenerTotals,
  "openConnections" | "acceptedConnections" | "refusedByLimit" | "connectFailed" | "holdExpired"
>;
type Totals = Pick<
  ProxyInfo,
  "openConnections" | "acceptedConnections" | "refusedConnections" | "unservedConnections"
>;

/** What the proxy tells of several services together. */
export function sumTotals(totals: readonly Summand[]): Totals {
  const sum = (count: (each: Summand) => number): number =>
    totals.reduce((total, each) => total + count(each), 0);
  return {
    openConnections: sum(({ openConnections }) => openConnections),
    acceptedConnections: sum(({ acceptedConnections }) => acceptedConnections),
    refusedConnections: sum(({ refusedByLimit }) => refusedByLimit),
    unservedConnections: sum(({ connectFailed, holdExpired }) => connectFailed + holdExpired),
  };
}
