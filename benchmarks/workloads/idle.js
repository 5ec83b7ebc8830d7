import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { startBulkBackend } from "../support/bulk-backend.js";
import { MOST_CONNECTIONS } from "../support/limits.js";
import { residentBytes } from "../support/process-stats.js";

/** Opened at the same time: enough to be quick about it. */
const AT_ONCE = 100;
const CONNECTIONS = Math.floor(MOST_CONNECTIONS / AT_ONCE) * AT_ONCE;

const SETTLE_MS = 500;

/** KiB of resident memory that each idle connection adds, kernel memory not counted. */
async function memoryPerIdleConnection({ port, pid }) {
  const before = residentBytes(pid);
  const sockets = [];
  while (sockets.length < CONNECTIONS)
    sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => openThrough(port)))));
  await delay(SETTLE_MS);
  const grown = residentBytes(pid) - before;
  for (const socket of sockets) socket.destroy();
  return [grown / CONNECTIONS / 1024];
}

/** Resolves once the backend has answered, so that only connections that are really passed on are counted. */
async function openThrough(port) {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.write("I");
  await once(socket, "data");
  socket.on("error", () => undefined);
  return socket;
}

export const idleMemory = {
  figures: [{ name: `memory per idle connection, ${CONNECTIONS.toLocaleString("en")} of them`, unit: "KiB" }],
  isThere: () => true,
  startBackend: startBulkBackend,
  // Memory that was used once is not given back: a warm-up would hide what it measures.
  warmsUp: false,
  measure: memoryPerIdleConnection,
};
