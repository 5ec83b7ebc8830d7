import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

export interface Backend {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  readonly server: Server;
  /** Connections accepted so far. */
  accepted: number;
}

/** A TCP backend; its sockets are destroyed after the test. */
export async function startBackend(t: TestContext, serve: (socket: Socket) => void): Promise<Backend> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    backend.accepted += 1;
    socket.on("error", () => undefined);
    serve(socket);
  });
  const backend = await start(t, server);
  return backend;
}

/** Sends its name, then closes. */
export function startNamed(t: TestContext, name: string): Promise<Backend> {
  return startBackend(t, (socket) => {
    socket.resume();
    socket.end(name);
  });
}

export function startEcho(t: TestContext): Promise<Backend> {
  return startBackend(t, (socket) => socket.pipe(socket));
}

/** Answers an HTTP request with its name and closes; echoes everything else. */
export function startWebOrEcho(t: TestContext, name: string): Promise<Backend> {
  return startBackend(t, (socket) => {
    // A client that leaves before it has said anything.
    socket.on("end", () => socket.end());
    socket.once("data", (first: Buffer) => {
      if (first.toString("latin1", 0, 3) === "GET") {
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\nConnection: close`;
        socket.end(`${head}\r\n\r\n${name}`);
        return;
      }
      socket.write(first);
      socket.pipe(socket);
    });
  });
}

/** Answers every request with its name. */
export function startHttp(t: TestContext, name: string): Promise<Backend> {
  return start(
    t,
    createHttpServer((_, response) => response.end(name)),
  );
}

async function start(t: TestContext, server: Server): Promise<Backend> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, port, server, accepted: 0 };
}

/** An address at which nothing listens (just now). */
export async function deadAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `127.0.0.1:${port}`;
}

/** Connects, sends the request, reads all there is, and resolves with it; rejects if the connection is reset. */
export async function readAll(port: number, request = ""): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  if (request !== "") socket.write(request);
  await once(socket, "close");
  return text;
}
