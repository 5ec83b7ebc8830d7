import type { ListenerTotals } from "../engine/engine.js";
import type { ProxyInfo } from "./management.js";

type Totals = Pick<
  ProxyInfo,
  "openConnections" | "acceptedConnections" | "refusedConnections" | "unservedConnections"
>;

/** What the proxy tells of all its services together. */
export function sumTotals(totals: readonly ListenerTotals[]): Totals {
  const sum = (count: (each: ListenerTotals) => number): number =>
    totals.reduce((total, each) => total + count(each), 0);
  return {
    openConnections: sum(({ openConnections }) => openConnections),
    acceptedConnections: sum(({ acceptedConnections }) => acceptedConnections),
    refusedConnections: sum(({ refusedByLimit }) => refusedByLimit),
    unservedConnections: sum(({ connectFailed, holdExpired }) => connectFailed + holdExpired),
  };
}
