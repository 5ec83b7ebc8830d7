import type { Socket } from "node:net";
import type { ChannelCredentials } from "@grpc/grpc-js";

/**
 * The same credentials, for channels that let go of a connection that they give up while they still wait for the peer's
 * first word. grpc-js keeps such a socket for as long as the peer is silent, so that with an etcd that accepts
 * and does not answer each attempt to connect would leave one more open.
 */
export function lettingGo(credentials: ChannelCredentials): ChannelCredentials {
  const create: ChannelCredentials["_createSecureConnector"] = (...args) => {
    const connector = credentials._createSecureConnector(...args);
    const sockets = new Set<Socket>();
    return {
      connect(socket) {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        return connector.connect(socket);
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy() {
        connector.destroy();
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      },
    };
  };
  return Object.create(credentials, { _createSecureConnector: { value: create } }) as ChannelCredentials;
}
