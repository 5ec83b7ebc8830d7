import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { EtcdEndpoint } from "../etcd-options.js";

/** A way to a server that a test can close, so that one client is cut off while others are not. */
export interface Way {
  readonly endpoint: EtcdEndpoint;
  /** Cuts all connections; new ones are cut at once. */
  close(): void;
  open(): void;
}

export async function startWay(t: TestContext, target: EtcdEndpoint): Promise<Way> {
  const sockets = new Set<Socket>();
  let closed = false;
  const add = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    add(client);
    if (closed) return void client.destroy();
    const onward = connect(target.port, target.host);
    add(onward);
    client.pipe(onward).pipe(client);
    client.once("close", () => onward.destroy());
    onward.once("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    closed = true;
    for (const socket of sockets) socket.destroy();
  };
  t.after(() => {
    close();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: { host: "127.0.0.1", port }, close, open: () => void (closed = false) };
}
