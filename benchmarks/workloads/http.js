import { cpuSeconds } from "../support/process-stats.js";
import { startHttpBackends } from "../support/http-backend.js";
import { MOST_CONNECTIONS } from "../support/limits.js";
import { CLOSE, isHttpThere, wrk } from "../support/wrk.js";

async function load({ port, pid, seconds }, options) {
  const before = cpuSeconds(pid);
  const { requests, p50, p99 } = await wrk(port, seconds, options);
  return { cpu: ((cpuSeconds(pid) - before) / requests) * 1e6, p50, p99 };
}

const HTTP = { isThere: isHttpThere, startBackend: (folder) => startHttpBackends(folder), warmsUp: true };

/** CPU per request, with so many backends and such a load. */
const costOf = (name, backends, options) => ({
  ...HTTP,
  figures: [{ name, unit: "µs" }],
  startBackend: (folder) => startHttpBackends(folder, backends),
  measure: async (proxy) => [(await load(proxy, options)).cpu],
});

export const newConnections = costOf("CPU per new connection", 1, { headers: CLOSE });

export const smallRequests = {
  ...HTTP,
  figures: [
    { name: "CPU per small request on a kept connection", unit: "µs" },
    { name: "p50 of these requests", unit: "µs" },
    { name: "p99 of these requests", unit: "µs" },
  ],
  async measure(proxy) {
    const { cpu, p50, p99 } = await load(proxy, {});
    return [cpu, p50, p99];
  },
};

/** How the cost of a small request grows with the connections that are open at once. */
export const manyConnections = [1, 100, 1_000, MOST_CONNECTIONS].map((connections) =>
  costOf(`CPU per small request, ${connections.toLocaleString("en")} at once`, 1, { connections }),
);

/** How the cost of a connection grows with the backends that take turns; with one it is that of `newConnections`. */
export const manyBackends = [10, 100, 1_000].map((backends) =>
  costOf(`CPU per connection, ${backends.toLocaleString("en")} backends`, backends, { headers: CLOSE }),
);
