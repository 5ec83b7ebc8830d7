import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MOST_CONNECTIONS } from "../support/limits.js";
import { isInstalled, startListening, versionOf } from "../support/programs.js";

export const haproxy = {
  id: "haproxy",
  name: "HAProxy, one thread",
  isThere: () => isInstalled("haproxy"),
  version: () => versionOf("haproxy -v"),
  start({ port, backendPorts, folder }) {
    const file = join(folder, "haproxy.cfg");
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn ${MOST_CONNECTIONS}
defaults
  mode tcp
  timeout connect 3s
  timeout client 1h
  timeout server 1h
listen proxy
  bind 127.0.0.1:${port}
${backendPorts.map((backend, i) => `  server backend${i} 127.0.0.1:${backend}`).join("\n")}
`,
    );
    return startListening("haproxy", ["-q", "-db", "-f", file], port);
  },
};
