import { createServer, type AddressInfo } from "node:net";

/**
 * A server that a test can kill: answers an HTTP request with its name and closes, echoes everything else. Says where
 * it listens in one line.
 */
const [, , name = "", port = "0", host = "127.0.0.1"] = process.argv;

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on("error", () => undefined);
  // A client that leaves without a word, as wrk's first one does.
  socket.on("end", () => socket.end());
  socket.once("data", (first: Buffer) => {
    if (first.toString("latin1", 0, 3) === "GET") {
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\nConnection: close\r\n\r\n`;
      socket.end(head + name);
      return;
    }
    socket.write(first);
    socket.pipe(socket);
  });
});
server.listen({ port: Number(port), host, backlog: 4096 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
