import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isInstalled, startListening, versionOf } from "../support/programs.js";

export const haproxy = {
  id: "haproxy",
  name: "HAProxy, one thread",
  isThere: () => isInstalled("haproxy"),
  version: () => versionOf("haproxy -v"),
  start({ port, backendPort, folder }) {
    const file = join(folder, "haproxy.cfg");
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 9000
defaults
  mode tcp
  timeout connect 3s
  timeout client 1h
  timeout server 1h
listen proxy
  bind 127.0.0.1:${port}
  server backend 127.0.0.1:${backendPort}
`,
    );
    return startListening("haproxy", ["-q", "-db", "-f", file], port);
  },
};
