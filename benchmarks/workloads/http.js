import { cpuSeconds } from "../support/process-stats.js";
import { startHttpBackends } from "../support/http-backend.js";
import { MOST_CONNECTIONS } from "../support/limits.js";
import { isInstalled } from "../support/programs.js";
import { wrk } from "../support/wrk.js";

const isThere = () => isInstalled("wrk") && isInstalled("nginx");
const CLOSE = ["Connection: close"];

async function load({ port, pid, seconds }, options) {
  const before = cpuSeconds(pid);
  const { requests, p50, p99 } = await wrk(port, seconds, options);
  return { cpu: ((cpuSeconds(pid) - before) / requests) * 1e6, p50, p99 };
}

export const newConnections = {
  figures: [{ name: "CPU per new connection", unit: "µs" }],
  isThere,
  startBackend: startHttpBackends,
  warmsUp: true,
  measure: async (proxy) => [(await load(proxy, { headers: CLOSE })).cpu],
};

export const smallRequests = {
  figures: [
    { name: "CPU per small request on a kept connection", unit: "µs" },
    { name: "p50 of these requests", unit: "µs" },
    { name: "p99 of these requests", unit: "µs" },
  ],
  isThere,
  startBackend: startHttpBackends,
  warmsUp: true,
  async measure(proxy) {
    const { cpu, p50, p99 } = await load(proxy, {});
    return [cpu, p50, p99];
  },
};

/** How the cost of a small request grows with the connections that are open at once. */
export const manyConnections = [1, 100, 1_000, MOST_CONNECTIONS].map((connections) => ({
  figures: [{ name: `CPU per small request, ${thousands(connections)} at once`, unit: "µs" }],
  isThere,
  startBackend: startHttpBackends,
  warmsUp: true,
  measure: async (proxy) => [(await load(proxy, { connections })).cpu],
}));

/** How the cost of a connection grows with the backends that take turns. */
export const manyBackends = [1, 10, 100, 1_000].map((backends) => ({
  figures: [
    { name: `CPU per connection, ${thousands(backends)} backend${backends > 1 ? "s" : ""}`, unit: "µs" },
  ],
  isThere,
  startBackend: (folder) => startHttpBackends(folder, backends),
  warmsUp: true,
  measure: async (proxy) => [(await load(proxy, { headers: CLOSE })).cpu],
}));

function thousands(number) {
  return number.toLocaleString("en");
}
