import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { TestContext } from "node:test";
import type { Endpoint, Target } from "../engine.js";

/** A server of the test's, as an engine's target. */
export interface Peer extends Target {
  readonly port: number;
  /** Connections in the order in which they came. */
  readonly sockets: readonly Socket[];
  /** Resolves with the next connection that comes, or that nobody has asked for yet. */
  next(): Promise<Socket>;
  /** Listens no more. */
  stop(): Promise<void>;
}

/** Serves each connection as told; everything is closed after the test. */
export async function startPeer(
  t: TestContext,
  id: string,
  serve: (socket: Socket) => void,
  at: Endpoint = { host: "127.0.0.1", port: 0 },
): Promise<Peer> {
  const sockets: Socket[] = [];
  const waiting: ((socket: Socket) => void)[] = [];
  let taken = 0;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
    serve(socket);
    const wake = waiting.shift();
    if (wake) {
      taken += 1;
      wake(socket);
    }
  });
  server.listen({ ...at, backlog: 1024 });
  await once(server, "listening");
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  t.after(stop);
  const { port } = server.address() as AddressInfo;
  return {
    id,
    endpoints: [{ host: at.host, port }],
    weight: 1,
    port,
    sockets,
    next: () => {
      const socket = sockets[taken];
      if (!socket) return new Promise((resolve) => waiting.push(resolve));
      taken += 1;
      return Promise.resolve(socket);
    },
    stop,
  };
}

/** Sends its id, then ends. */
export const startNamed = (t: TestContext, id: string, at?: Endpoint): Promise<Peer> =>
  startPeer(t, id, (socket) => socket.resume().end(id), at);

export const startEcho = (t: TestContext, id = "echo"): Promise<Peer> =>
  startPeer(t, id, (socket) => socket.pipe(socket));

/** Does nothing until the test does. */
export const startSilent = (t: TestContext, id = "silent"): Promise<Peer> =>
  startPeer(t, id, () => undefined);

/**
 * A target at which nothing listens: at an address of its own, as on 127.0.0.1 a port that is free now may be the next
 * listener's, even the proxy's own.
 */
export async function deadTarget(t: TestContext, id: string): Promise<Target> {
  const peer = await startPeer(t, id, () => undefined, { host: "127.0.0.66", port: 0 });
  await peer.stop();
  return peer;
}

/** A client that is paused until it is read, and closed after the test. */
export async function openClient(t: TestContext, port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  t.after(() => socket.destroy());
  await new Promise((resolve) => socket.once("connect", resolve).once("error", resolve));
  return socket;
}

/** How a side has come to its end: with FIN after these bytes, or with an abort. */
export interface Ending {
  readonly data: Buffer;
  readonly aborted: boolean;
}

/** Reads to the end, or to an abort, which may have come already. */
export async function readToEnd(socket: Socket): Promise<Ending> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!socket.destroyed) {
    await new Promise((resolve) => {
      socket.once("end", resolve).once("close", resolve);
      socket.resume();
    });
  }
  // Node takes an abort that comes together with data for an end; sending nothing tells.
  if (socket.writable) await new Promise((resolve) => socket.write(Buffer.alloc(0), resolve));
  return { data: Buffer.concat(chunks), aborted: socket.errored !== null };
}

/** Resolves when the other side has aborted, whether or not this side has been read. */
export function aborted(t: TestContext, socket: Socket): Promise<void> {
  const nothing = Buffer.alloc(0);
  const asking = setInterval(() => socket.write(nothing), 20);
  t.after(() => clearInterval(asking));
  return new Promise((resolve) => {
    socket.on("error", () => {
      clearInterval(asking);
      resolve();
    });
    socket.resume();
  });
}
