import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isInstalled, startListening, versionOf } from "../support/programs.js";

const MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

export const nginxStream = {
  id: "nginx-stream",
  name: "nginx stream, one worker",
  isThere: () => isInstalled("nginx") && existsSync(MODULE),
  version: () => versionOf("nginx -v"),
  start({ port, backendPorts, folder }) {
    const file = join(folder, "stream.conf");
    writeFileSync(
      file,
      `load_module ${MODULE};
daemon off; worker_processes 1; pid ${folder}/stream.pid; error_log /dev/null;
worker_rlimit_nofile 65536;
events { worker_connections 30000; }
stream {
  upstream backends { ${backendPorts.map((backend) => `server 127.0.0.1:${backend};`).join(" ")} }
  server { listen 127.0.0.1:${port} backlog=4096; proxy_pass backends; proxy_timeout 1h; }
}
`,
    );
    return startListening("nginx", ["-e", "/dev/null", "-c", file], port);
  },
};
