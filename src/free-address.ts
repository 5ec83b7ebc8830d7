import { once } from "node:events";
import { createServer } from "node:net";
import type { ListenAddress } from "./engine/engine.js";
import { formatListenAddress } from "./listen-address.js";
import { listenError } from "./listen-error.js";
import { requirePath } from "./unix-path.js";

/** Whether one could listen there, found out by trying; a path is only looked at. @throws ProxyError LISTEN_FAILED */
export async function requireFree(address: ListenAddress): Promise<void> {
  if ("path" in address) return requirePath(address.path);
  const { host, port } = address;
  const server = createServer();
  try {
    // Without a host it is all interfaces, as for an engine.
    await once(server.listen({ port, ...(host !== "" && { host }) }), "listening");
    server.close();
  } catch (error) {
    throw listenError(formatListenAddress(address), error);
  }
}
