import { connect } from "node:net";
import type { Endpoint } from "../engine/engine.js";

/** Opens a connection and closes it. Rejects with the socket's error. */
export function tcpCheck({ host, port }: Endpoint, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, autoSelectFamily: false, signal });
    socket.on("error", reject);
    socket.on("connect", () => {
      // Not an abort: a server that logs those would log one per check.
      socket.destroySoon();
      resolve();
    });
  });
}
