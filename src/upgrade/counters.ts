import { endsOf } from "../engine/ends.js";
import type { ListenerTotals, TargetCounters } from "../engine/engine.js";
import { refusalsOf } from "../engine/refusals.js";
import { addHistograms } from "../engine/time-histogram.js";

export function addCounters(a: TargetCounters, b: TargetCounters): TargetCounters {
  return {
    activeConnections: a.activeConnections + b.activeConnections,
    totalConnections: a.totalConnections + b.totalConnections,
    failedConnects: a.failedConnects + b.failedConnects,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    ends: endsOf((cause) => a.ends[cause] + b.ends[cause]),
    connectTimes: addHistograms(a.connectTimes, b.connectTimes),
    lifeTimes: addHistograms(a.lifeTimes, b.lifeTimes),
  };
}

export function addTotals(a: ListenerTotals, b: ListenerTotals): ListenerTotals {
  return {
    openConnections: a.openConnections + b.openConnections,
    heldConnections: a.heldConnections + b.heldConnections,
    acceptedConnections: a.acceptedConnections + b.acceptedConnections,
    ends: endsOf((cause) => a.ends[cause] + b.ends[cause]),
    leftEarly: a.leftEarly + b.leftEarly,
    connectFailed: a.connectFailed + b.connectFailed,
    holdExpired: a.holdExpired + b.holdExpired,
    refusedByLimit: a.refusedByLimit + b.refusedByLimit,
    refusals: refusalsOf((limit) => a.refusals[limit] + b.refusals[limit]),
  };
}
