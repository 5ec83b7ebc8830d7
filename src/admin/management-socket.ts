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

export interface ManagementSocket {
  readonly endpoint: ManagementAddress;
  /** Stops accepting. Connections that are open stay. */
  close(): void;
}

/** Listens for management connections, at most 64 at once; more are dropped. @throws ProxyError LISTEN_FAILED */
export async function openManagementSocket(
  address: ManagementAddress,
  onConnection: (socket: Socket) => void,
): Promise<ManagementSocket> {
  const server = createServer({ noDelay: true }, (socket) => {
    // Whoever takes the connection over sees its errors too; this one is for those that come before.
    socket.on("error", () => undefined);
    onConnection(socket);
  });
  server.maxConnections = MAX_CONNECTIONS;
  if ("path" in address) await listenOnPath(server, address.path);
  else await listenOn(server, { host: address.host, port: address.port }, formatAddress(address));
  server.on("error", () => undefined);
  return {
    endpoint: "path" in address ? address : boundEndpoint(server),
    close() {
      server.close();
      if ("path" in address) void rm(address.path, { force: true });
    },
  };
}

/**
 * Makes the socket in a folder that nobody else can enter, gives it mode 0600 there, and only then moves it to its
 * path: at no moment can another user connect. (The mode at its creation would depend on the umask, which belongs
 * to the whole process.) The move also replaces what a proxy that was killed has left behind.
 */
async function listenOnPath(server: Server, path: string): Promise<void> {
  try {
    await refuseIfInUse(path);
    const folder = await mkdtemp(join(dirname(path), ".seamless-"));
    try {
      const hidden = join(folder, "s");
      await listenOn(server, { path: hidden }, `unix:${path}`);
      await chmod(hidden, 0o600);
      await rename(hidden, path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    server.close();
    throw error instanceof ProxyError ? error : listenError(`unix:${path}`, error);
  }
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
      resolve();
    });
  });
}

function boundEndpoint(server: Server): ManagementAddress {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
