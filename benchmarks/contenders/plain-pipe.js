import { fileURLToPath } from "node:url";
import { startListening } from "../support/programs.js";

const script = fileURLToPath(new URL("../plain-pipe.js", import.meta.url));

export const plainPipe = {
  id: "plain-pipe",
  name: "plain `net` + `pipe`",
  isThere: () => true,
  version: () => `Node ${process.version}`,
  start: ({ port, backendPorts }) => startListening(process.execPath, [script, port, ...backendPorts], port),
};
