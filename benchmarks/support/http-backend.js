import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, startListening } from "./programs.js";

/** nginx answering every request with a few bytes: cheap, so that the proxy is what is busy. */
export async function startHttpBackend(folder) {
  const port = await freePort();
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (what) => `${what}_temp_path ${folder}/${what};`,
  );
  const file = join(folder, "backend.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/backend.pid; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; ${temp.join(" ")}
  server { listen 127.0.0.1:${port} backlog=4096; location / { return 200 "hello\\n"; } } }
`,
  );
  return { port, ...(await startListening("nginx", ["-e", "/dev/null", "-c", file], port)) };
}
