import { connect } from "node:net";
import type { CheckSubject } from "../control/checker.js";
import { localHeader } from "../proxy-header.js";

/** Opens a connection and closes it. Rejects with the socket's error. */
export function tcpCheck({ endpoint, sendProxy }: CheckSubject, signal: AbortSignal): Promise<void> {
  const { host, port } = endpoint;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, autoSelectFamily: false, signal });
    socket.on("error", reject);
    socket.on("connect", () => {
      if (sendProxy !== 0) socket.write(localHeader(sendProxy));
      // Not an abort: a server that logs those would log one per check.
      socket.destroySoon();
      resolve();
    });
  });
}
