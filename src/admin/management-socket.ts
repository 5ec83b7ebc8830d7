import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { formatAddress } from "../address.js";
import { listenError } from "../listen-error.js";
import { descriptorOf } from "../listening-descriptor.js";
import { adoptPath, claimPath, type PathClaim } from "../unix-path.js";

/** An IP address, or the path of a Unix socket. */
export type ManagementAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** A listening socket of management; the process may be given one, and give it on. */
export interface GivenSocket {
  readonly descriptor: number;
  /** Whether the file of a Unix socket is to go with the socket. */
  readonly ownsPath: boolean;
}

const MAX_CONNECTIONS = 64;
/** Every client of HTTP/2 begins with so many bytes, at once; one with TLS says more. */
const PREFACE_BYTES = 24;
const PREFACE_LIMIT_MS = 5_000;

export interface ManagementSocket {
  readonly endpoint: ManagementAddress;
  readonly socket: GivenSocket;
  /** Stops accepting: another process goes on with the socket. Connections that are open stay. */
  handOver(): void;
  /** Stops accepting. Connections that are open stay. */
  close(): void;
  /** Cuts the connections that are open. */
  destroyConnections(): void;
}

export interface ManagementSocketOptions {
  readonly address: ManagementAddress;
  readonly given?: GivenSocket | undefined;
  readonly onConnection: (socket: Socket) => void;
  /** How long a connection may take to begin to speak: silent ones would use up those that are allowed. */
  readonly prefaceLimitMs?: number;
}

/** Listens for management connections, at most 64 at once; more are dropped. @throws ProxyError LISTEN_FAILED */
export async function openManagementSocket({
  address,
  given,
  onConnection,
  prefaceLimitMs = PREFACE_LIMIT_MS,
}: ManagementSocketOptions): Promise<ManagementSocket> {
  let accepted = 0;
  const connections = new Set<Socket>();
  const destroyConnections = (): void => connections.forEach((connection) => connection.destroy());
  const server = createServer({ noDelay: true }, (socket) => {
    // Whoever takes the connection over sees its errors too; this one is for those that come before.
    socket.on("error", () => undefined);
    connections.add(socket);
    const limit = setTimeout(() => {
      if (socket.bytesRead < PREFACE_BYTES) socket.destroy();
    }, prefaceLimitMs);
    socket.on("close", () => {
      clearTimeout(limit);
      connections.delete(socket);
    });
    accepted += 1;
    // The peers of a Unix socket have no address, and it is by that that grpc-js tells connections apart.
    if ("path" in address) Object.defineProperty(socket, "remoteAddress", { value: `unix:${accepted}` });
    onConnection(socket);
  });
  server.maxConnections = MAX_CONNECTIONS;
  const claim = await listenAt(server, address, given).catch((error: unknown) => {
    server.close();
    throw error;
  });
  let handedOver = false;
  return {
    endpoint: "path" in address ? address : boundEndpoint(server),
    socket: { descriptor: descriptorOf(server), ownsPath: claim !== undefined },
    handOver() {
      handedOver = true;
      server.close();
    },
    close() {
      if (handedOver) return;
      // The file goes first, while we still answer: until then no other proxy takes the path, after that it may.
      claim?.release();
      server.close();
    },
    destroyConnections,
  };
}

/** Answers what is to be released of a path. */
async function listenAt(
  server: Server,
  address: ManagementAddress,
  given: GivenSocket | undefined,
): Promise<PathClaim | undefined> {
  if (given) {
    await listenOn(server, { fd: given.descriptor }, "the inherited socket of management");
    return given.ownsPath && "path" in address ? adoptPath(address.path) : undefined;
  }
  if (!("path" in address)) {
    await listenOn(server, { host: address.host, port: address.port }, formatAddress(address));
    return undefined;
  }
  return claimPath(address.path, 0o600, (hidden) =>
    listenOn(server, { path: hidden }, `unix:${address.path}`),
  );
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
