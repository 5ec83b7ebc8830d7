import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { formatAddress } from "../address.js";
import { listenError } from "../listen-error.js";
import { claimPath, type PathClaim } from "../unix-path.js";

/** An IP address, or the path of a Unix socket. */
export type ManagementAddress = { readonly host: string; readonly port: number } | { readonly path: string };

const MAX_CONNECTIONS = 64;

export interface ManagementSocket {
  readonly endpoint: ManagementAddress;
  /** Stops accepting. Connections that are open stay. */
  close(): Promise<void>;
  /** Cuts the connections that are open. */
  destroyConnections(): void;
}

/** Listens for management connections, at most 64 at once; more are dropped. @throws ProxyError LISTEN_FAILED */
export async function openManagementSocket(
  address: ManagementAddress,
  onConnection: (socket: Socket) => void,
): Promise<ManagementSocket> {
  let accepted = 0;
  const connections = new Set<Socket>();
  const destroyConnections = (): void => connections.forEach((connection) => connection.destroy());
  const server = createServer({ noDelay: true }, (socket) => {
    // Whoever takes the connection over sees its errors too; this one is for those that come before.
    socket.on("error", () => undefined);
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    accepted += 1;
    // The peers of a Unix socket have no address, and it is by that that grpc-js tells connections apart.
    if ("path" in address) Object.defineProperty(socket, "remoteAddress", { value: `unix:${accepted}` });
    onConnection(socket);
  });
  server.maxConnections = MAX_CONNECTIONS;
  if ("path" in address) {
    const { path } = address;
    const where = `unix:${path}`;
    const claim = await claimPath(path, 0o600, (hidden) => listenOn(server, { path: hidden }, where)).catch(
      (error: unknown) => {
        server.close();
        throw error;
      },
    );
    return { endpoint: { path }, close: () => closePath(server, claim), destroyConnections };
  }
  await listenOn(server, { host: address.host, port: address.port }, formatAddress(address));
  return {
    endpoint: boundEndpoint(server),
    close: () => Promise.resolve(void server.close()),
    destroyConnections,
  };
}

/** The file goes first, while we still answer: until then no other proxy takes the path, after that it may. */
function closePath(server: Server, claim: PathClaim): Promise<void> {
  claim.release();
  return Promise.resolve(void server.close());
}

function listenOn(server: Server, where: object, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(listenError(name, error));
    server.once("error", fail);
    server.listen(where, () => {
      server.off("error", fail);
      server.on("error", () => undefined);
      resolve();
    });
  });
}

function boundEndpoint(server: Server): ManagementAddress {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
