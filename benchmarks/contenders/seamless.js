import { fileURLToPath } from "node:url";
import { connect } from "@seamless/sdk";
import { freePort, startListening, versionOf } from "../support/programs.js";

/** Started as users start it: the first line of the file carries options of Node's. */
const daemon = fileURLToPath(new URL("../../src/bin/seamless.js", import.meta.url));
const QUIET = ["--http-port", "0", "--log-level", "error", "--shutdown-timeout", "0"];

const seamless = (id, name, flags) => ({
  id,
  name,
  isThere: () => true,
  version: () => `${versionOf(`${daemon} --version`)} on Node ${process.version}`,
  async start({ port, backendPorts }) {
    const grpcPort = await freePort();
    const backends = backendPorts.map(addressOf).join();
    const args = [`127.0.0.1:${port}`, backends, "--grpc-port", grpcPort, ...QUIET, ...flags];
    const { pid, stop } = await startListening(daemon, args, port, grpcPort);
    const client = connect({ address: `127.0.0.1:${grpcPort}` });
    return {
      pid,
      change: (ports) => client.set(ports.map(addressOf)),
      stop() {
        client.close();
        return stop();
      },
    };
  },
});

const addressOf = (port) => `127.0.0.1:${port}`;

export const seamlessNode = seamless("seamless-node", "Seamless, node engine", ["--engine", "node"]);

export const seamlessNative = seamless("seamless-native", "Seamless, native engine", [
  "--engine",
  "native",
  "--threads",
  "1",
]);

export const seamlessThreads = seamless("seamless-threads", "Seamless, native engine, two threads", [
  "--engine",
  "native",
  "--threads",
  "2",
]);
