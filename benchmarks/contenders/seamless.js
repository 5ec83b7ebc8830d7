import { fileURLToPath } from "node:url";
import { startListening, versionOf } from "../support/programs.js";

/** Started as users start it: the first line of the file carries options of Node's. */
const daemon = fileURLToPath(new URL("../../src/bin/seamless.js", import.meta.url));
const QUIET = ["--http-port", "0", "--grpc-port", "0", "--log-level", "error", "--shutdown-timeout", "0"];

const seamless = (id, name, flags) => ({
  id,
  name,
  isThere: () => true,
  version: () => `${versionOf(`${daemon} --version`)} on Node ${process.version}`,
  start: ({ port, backendPort }) =>
    startListening(daemon, [`127.0.0.1:${port}`, `127.0.0.1:${backendPort}`, ...QUIET, ...flags], port),
});

export const seamlessNode = seamless("seamless-node", "Seamless, node engine", ["--engine", "node"]);

export const seamlessNative = seamless("seamless-native", "Seamless, native engine, one thread", [
  "--engine",
  "native",
  "--threads",
  "1",
]);
