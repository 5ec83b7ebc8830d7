import type { AddressInfo, Server, Socket } from "node:net";
import { ProxyError } from "../errors.js";
import { formatListenAddress } from "../listen-address.js";
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

export const MOST_CONNECTIONS = 64;

export interface ManagementSocket {
  readonly endpoint: ManagementAddress;
  readonly socket: GivenSocket;
  /** Stops accepting: another process goes on with the socket. Connections that are open stay. */
  handOver(): void;
  /** Stops accepting. Connections that are open stay. */
  close(): void;
  /** Cuts the connections that are open. */
  destroyConnections(): void;
  /** Resolves when none is open. */
  empty(): Promise<void>;
}

export interface ManagementSocketOptions {
  readonly address: ManagementAddress;
  readonly given?: GivenSocket | undefined;
  /** Is to listen there, and does not listen yet. */
  readonly server: Server;
}

/** Listens for management connections, at most 64 at once; more are dropped. @throws ProxyError LISTEN_FAILED */
export async function openManagementSocket({
  address,
  given,
  server,
}: ManagementSocketOptions): Promise<ManagementSocket> {
  let accepted = 0;
  const connections = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const destroyConnections = (): void => connections.forEach((connection) => connection.destroy());
  // Before the server's own listeners see the connection.
  server.prependListener("connection", (socket) => {
    // Whoever takes the connection over sees its errors too; this one is for those that come before.
    socket.on("error", () => undefined);
    connections.add(socket);
    socket.on("close", () => {
      connections.delete(socket);
      if (connections.size === 0) for (const resolve of waiting.splice(0)) resolve();
    });
    accepted += 1;
    // The peers of a Unix socket have no address, and it is by that that grpc-js tells connections apart.
    if ("path" in address) Object.defineProperty(socket, "remoteAddress", { value: `unix:${accepted}` });
  });
  server.maxConnections = MOST_CONNECTIONS;
  const { claim, endpoint } = await listenAt(server, address, given).catch((error: unknown) => {
    server.close();
    throw error;
  });
  let handedOver = false;
  return {
    endpoint,
    get socket() {
      return { descriptor: descriptorOf(server), ownsPath: claim?.isHeld ?? false };
    },
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
    empty: () =>
      new Promise((resolve) => {
        if (connections.size === 0) resolve();
        else waiting.push(resolve);
      }),
  };
}

interface Listening {
  /** What is to be released of a path. */
  readonly claim: PathClaim | undefined;
  readonly endpoint: ManagementAddress;
}

async function listenAt(
  server: Server,
  address: ManagementAddress,
  given: GivenSocket | undefined,
): Promise<Listening> {
  if (given) {
    await listenOn(server, { fd: given.descriptor }, "the inherited socket of management");
    const endpoint = inheritedEndpoint(server, address);
    return { claim: given.ownsPath && "path" in endpoint ? adoptPath(endpoint.path) : undefined, endpoint };
  }
  const name = formatListenAddress(address);
  if ("path" in address) {
    const listen = (hidden: string): Promise<void> => listenOn(server, { path: hidden }, name);
    return { claim: await claimPath(address.path, 0o600, listen), endpoint: address };
  }
  await listenOn(server, { host: address.host, port: address.port }, name);
  return { claim: undefined, endpoint: boundEndpoint(server) };
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

/**
 * Who may come, and with what, was decided by the address that was asked for: a port that others can reach must not
 * pass for a path, on which there is no TLS.
 */
function inheritedEndpoint(server: Server, address: ManagementAddress): ManagementAddress {
  // Of a Unix socket that was given Node knows no address.
  const isPath = server.address() === null;
  if (isPath !== "path" in address) {
    const what = isPath ? "a Unix socket" : "one of TCP";
    throw new ProxyError(
      "LISTEN_FAILED",
      `cannot listen on ${formatListenAddress(address)}: the socket that was given for it is ${what}`,
    );
  }
  return isPath ? address : boundEndpoint(server);
}

function boundEndpoint(server: Server): ManagementAddress {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
