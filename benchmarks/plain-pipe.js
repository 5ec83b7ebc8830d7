// What anyone writes first: `net` and `pipe`, with nothing around it. The yardstick for the node engine.
// node plain-pipe.js LISTEN_PORT BACKEND_PORT...
import { connect, createServer } from "node:net";

const [listenPort, ...backendPorts] = process.argv.slice(2).map(Number);
let turn = 0;
createServer({ allowHalfOpen: true }, (client) => {
  const backend = connect({
    port: backendPorts[turn++ % backendPorts.length],
    host: "127.0.0.1",
    allowHalfOpen: true,
  });
  client.on("error", () => backend.destroy());
  backend.on("error", () => client.destroy());
  client.pipe(backend).pipe(client);
}).listen({ port: listenPort, host: "127.0.0.1", backlog: 4096 });
