import { fileURLToPath } from "node:url";
import { startListening, versionOf } from "../support/programs.js";

const daemon = fileURLToPath(new URL("../../src/bin/seamless.js", import.meta.url));
const QUIET = ["--http-port", "0", "--grpc-port", "0", "--log-level", "error", "--shutdown-timeout", "0"];

export const seamlessNode = {
  name: "Seamless, node engine",
  isThere: () => true,
  version: () => `${versionOf(`${daemon} --version`)} on Node ${process.version}`,
  start: ({ port, backendPort }) =>
    startListening(
      process.execPath,
      [daemon, `127.0.0.1:${port}`, `127.0.0.1:${backendPort}`, ...QUIET],
      port,
    ),
};
