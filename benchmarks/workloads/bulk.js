import { once } from "node:events";
import { connect } from "node:net";
import { startBulkBackend } from "../support/bulk-backend.js";
import { cpuSeconds } from "../support/process-stats.js";

const STREAMS = 4;
const block = Buffer.alloc(256 * 1024);

/** Milliseconds of the proxy's CPU per GB (10^9 bytes), over some streams at full speed. */
async function cpuPerGigabyte({ port, pid, seconds }, letter) {
  const sockets = Array.from({ length: STREAMS }, () => connect({ port, host: "127.0.0.1" }));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  for (const socket of sockets) socket.write(letter);
  let bytes = 0;
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => (bytes += chunk.length));
    if (letter === "U") upload(socket, (sent) => (bytes += sent));
  }
  const [before, bytesBefore] = [cpuSeconds(pid), bytes];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const [used, moved] = [cpuSeconds(pid) - before, bytes - bytesBefore];
  for (const socket of sockets) socket.destroy();
  return (used * 1_000) / (moved / 1e9);
}

function upload(socket, count) {
  const send = () =>
    socket.write(block, (error) => {
      if (error) return;
      count(block.length);
      send();
    });
  send();
  send();
}

export const downloads = {
  figures: [{ name: "CPU per GB, backend to client", unit: "ms" }],
  isThere: () => true,
  startBackend: startBulkBackend,
  warmsUp: true,
  measure: async (proxy) => [await cpuPerGigabyte(proxy, "D")],
};

export const uploads = {
  figures: [{ name: "CPU per GB, client to backend", unit: "ms" }],
  isThere: () => true,
  startBackend: startBulkBackend,
  warmsUp: true,
  measure: async (proxy) => [await cpuPerGigabyte(proxy, "U")],
};
