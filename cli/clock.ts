import { setInterval } from "node:timers";

/** What seamlessctl needs of time; tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Calls back so often, until what it answers is called. */
  every(intervalMs: number, call: () => void): () => void;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  every(intervalMs, call) {
    const timer = setInterval(call, intervalMs);
    return () => clearInterval(timer);
  },
};
