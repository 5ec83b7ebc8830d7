import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts, startListening } from "./programs.js";

/** nginx answering every request with a few bytes on so many ports: cheap, so that the proxy is what is busy. */
export async function startHttpBackends(folder, count = 1) {
  const ports = await freePorts(count);
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (what) => `${what}_temp_path ${folder}/${what};`,
  );
  const file = join(folder, "backend.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; worker_rlimit_nofile 65536; pid ${folder}/backend.pid; error_log /dev/null;
events { worker_connections 30000; }
http { access_log off; keepalive_requests 1000000000; ${temp.join(" ")}
  server { ${ports.map((port) => `listen 127.0.0.1:${port} backlog=4096;`).join(" ")} location / { return 200 "hello\\n"; } } }
`,
  );
  return { ports, ...(await startListening("nginx", ["-e", "/dev/null", "-c", file], ports[0])) };
}
