import { chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { formatAddress } from "../address.js";
import { errnoOf } from "../errno.js";
import { ProxyError } from "../errors.js";
import { listenError } from "../listen-error.js";

/** A loopback address, or the path of a Unix socket. */
export type ManagementAddress = { readonly host: string; readonly port: number } | { readonly path: string };

const MAX_CONNECTIONS = 64;
/** What `sockaddr_un` holds on macOS; Linux has four more. */
const MAX_PATH_BYTES = 103;
const HIDDEN_PREFIX = ".s-";

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
    const { ino } = await listenOnPath(server, path);
    return { endpoint: { path }, close: () => closePath(server, path, ino), destroyConnections };
  }
  await listenOn(server, { host: address.host, port: address.port }, formatAddress(address));
  return {
    endpoint: boundEndpoint(server),
    close: () => Promise.resolve(void server.close()),
    destroyConnections,
  };
}

/**
 * Makes the socket in a folder that nobody else can enter, gives it mode 0600 there, and only then moves it to its
 * path: at no moment can another user connect. (The mode at its creation would depend on the umask, which belongs
 * to the whole process.) The move also replaces what a proxy that was killed has left behind.
 */
async function listenOnPath(server: Server, path: string): Promise<{ readonly ino: number }> {
  try {
    refuseIfTooLong(path);
    await refuseIfInUse(path);
    const folder = await mkdtemp(join(dirname(path), HIDDEN_PREFIX));
    try {
      const hidden = join(folder, "s");
      await listenOn(server, { path: hidden }, `unix:${path}`);
      await chmod(hidden, 0o600);
      const { ino } = await lstat(hidden);
      await rename(hidden, path);
      return { ino };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    server.close();
    throw error instanceof ProxyError ? error : listenError(`unix:${path}`, error);
  }
}

/** The file goes first, while we still answer: until then no other proxy takes the path, after that it may. */
async function closePath(server: Server, path: string, ino: number): Promise<void> {
  const present = await lstat(path).catch(() => undefined);
  if (present?.ino === ino) await rm(path, { force: true });
  server.close();
}

/** libuv would cut a longer path without a word. */
function refuseIfTooLong(path: string): void {
  const hidden = join(dirname(path), `${HIDDEN_PREFIX}XXXXXX`, "s");
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(hidden));
  if (bytes <= MAX_PATH_BYTES) return;
  const message = `cannot listen on unix:${path}: the path is too long for a socket (${MAX_PATH_BYTES} bytes)`;
  throw new ProxyError("LISTEN_FAILED", message);
}

async function refuseIfInUse(path: string): Promise<void> {
  const existing = await lstat(path).catch(() => undefined);
  if (!existing) return;
  if (!existing.isSocket()) {
    throw new ProxyError(
      "LISTEN_FAILED",
      `cannot listen on unix:${path}: there is a file that is not a socket`,
    );
  }
  if (await answers(path)) {
    throw new ProxyError("LISTEN_FAILED", `cannot listen on unix:${path}: another program listens there`);
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", (error) => resolve(errnoOf(error) !== "ECONNREFUSED"));
  });
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
