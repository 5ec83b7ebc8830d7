import { noEnds } from "./ends.js";
import type { TargetCounters } from "./engine.js";
import { CONNECT_BOUNDS_S, LIFE_BOUNDS_S, TimeCounter } from "./time-histogram.js";

/** Those of a target that is not known. */
export const NO_COUNTERS: TargetCounters = {
  activeConnections: 0,
  totalConnections: 0,
  failedConnects: 0,
  bytesIn: 0,
  bytesOut: 0,
  ends: noEnds(),
  connectTimes: new TimeCounter(CONNECT_BOUNDS_S).read(),
  lifeTimes: new TimeCounter(LIFE_BOUNDS_S).read(),
};
