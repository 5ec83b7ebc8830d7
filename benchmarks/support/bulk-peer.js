// The far end of the bulk and idle workloads, a process of its own. A connection that begins with "D" gets bytes
// without end, one that begins with "U" is read and thrown away, any other gets one byte and is kept.
// node bulk-peer.js PORT
import { createServer } from "node:net";

const block = Buffer.alloc(256 * 1024);
createServer((socket) => {
  socket.on("error", () => undefined);
  socket.once("data", (first) => {
    const kind = String.fromCharCode(first[0]);
    if (kind === "U") return;
    if (kind !== "D") {
      socket.write(kind);
      return;
    }
    const pump = () => {
      while (!socket.destroyed && socket.write(block));
    };
    socket.on("drain", pump);
    pump();
  });
}).listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
