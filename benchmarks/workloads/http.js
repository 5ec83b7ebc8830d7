import { cpuSeconds } from "../support/process-stats.js";
import { startHttpBackend } from "../support/http-backend.js";
import { isInstalled } from "../support/programs.js";
import { wrk } from "../support/wrk.js";

const isThere = () => isInstalled("wrk") && isInstalled("nginx");

async function cpuPerRequest({ port, pid, seconds }, headers) {
  const before = cpuSeconds(pid);
  const requests = await wrk(port, seconds, headers);
  return ((cpuSeconds(pid) - before) / requests) * 1e6;
}

export const newConnections = {
  name: "CPU per new connection",
  unit: "µs",
  isThere,
  startBackend: startHttpBackend,
  warmsUp: true,
  measure: (proxy) => cpuPerRequest(proxy, ["Connection: close"]),
};

export const smallRequests = {
  name: "CPU per small request on a kept connection",
  unit: "µs",
  isThere,
  startBackend: startHttpBackend,
  warmsUp: true,
  measure: (proxy) => cpuPerRequest(proxy, []),
};
