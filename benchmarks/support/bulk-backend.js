import { fileURLToPath } from "node:url";
import { freePort, startListening } from "./programs.js";

const script = fileURLToPath(new URL("bulk-peer.js", import.meta.url));

export async function startBulkBackend() {
  const port = await freePort();
  return { ports: [port], ...(await startListening(process.execPath, [script, port], port)) };
}
