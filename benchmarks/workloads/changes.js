import { startHttpBackends } from "../support/http-backend.js";
import { CLOSE, isHttpThere, wrk } from "../support/wrk.js";
import { percentile } from "../support/percentile.js";

/**
 * How long a change of the list takes under a full load of new connections, from the call to the answer, which says that
 * no connection goes to what has left; and what the load notices of it. For contenders that have `change`.
 */
export const listChanges = {
  figures: [
    { name: "change of the list under load, p50", unit: "ms" },
    { name: "change of the list under load, p99", unit: "ms" },
  ],
  isThere: isHttpThere,
  isFor: ({ change }) => change !== undefined,
  startBackend: (folder) => startHttpBackends(folder, 2),
  warmsUp: true,
  async measure({ port, seconds, change, backendPorts }) {
    let running = true;
    const load = wrk(port, seconds, { headers: CLOSE }).finally(() => (running = false));
    const timesMs = [];
    for (let i = 0; running; i++) {
      const startedMs = performance.now();
      await change([backendPorts[i % 2]]);
      timesMs.push(performance.now() - startedMs);
    }
    await load;
    return [percentile(timesMs, 50), percentile(timesMs, 99)];
  },
};
