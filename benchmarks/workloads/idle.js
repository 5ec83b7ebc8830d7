import { once } from "node:events";
import { connect } from "node:net";
import { startBulkBackend } from "../support/bulk-backend.js";
import { residentBytes } from "../support/process-stats.js";

const CONNECTIONS = 2_000;

/** KiB of resident memory that each idle connection adds, kernel memory not counted. */
async function memoryPerIdleConnection({ port, pid }) {
  const before = residentBytes(pid);
  const sockets = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    sockets.push(socket);
    await once(socket, "connect");
    socket.write("I");
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const grown = residentBytes(pid) - before;
  for (const socket of sockets) socket.destroy();
  return grown / CONNECTIONS / 1024;
}

export const idleMemory = {
  name: "memory per idle connection",
  unit: "KiB",
  isThere: () => true,
  startBackend: startBulkBackend,
  measure: memoryPerIdleConnection,
};
