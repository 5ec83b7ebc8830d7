import { noEnds } from "./ends.js";
import type { TargetCounters } from "./engine.js";

/** Those of a target that is not known. */
export const NO_COUNTERS: TargetCounters = {
  activeConnections: 0,
  totalConnections: 0,
  failedConnects: 0,
  bytesIn: 0,
  bytesOut: 0,
  ends: noEnds(),
};
