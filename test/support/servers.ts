import { spawn, type ChildProcess } from "node:child_process";
import { chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { deadAddress } from "./backends.js";
import { collect, endAfter, run } from "./process.js";
import { findProgram } from "./programs.js";

/** A real server program, on a port of its own, with its files in a folder of its own. */
export interface RealServer {
  readonly port: number;
  readonly address: string;
  readonly child: ChildProcess;
}

export async function startRedis(t: TestContext): Promise<RealServer> {
  const folder = createFolder();
  return start(t, folder, (port) => [
    "redis-server",
    "--port",
    port,
    "--bind",
    "127.0.0.1",
    "--dir",
    folder,
    "--save",
    "",
  ]);
}

/** @param listenOptions of its port, such as `proxy_protocol` */
export async function startNginx(t: TestContext, answer: string, listenOptions = ""): Promise<RealServer> {
  const folder = createFolder();
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (what) => `${what}_temp_path ${folder}/${what};`,
  );
  return start(t, folder, (port) => {
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
       events { worker_connections 2048; }
       http { access_log off; ${temp.join(" ")}
         server { listen 127.0.0.1:${port} ${listenOptions} backlog=4096; location / { return 200 "${answer}"; } } }`,
    );
    return ["nginx", "-e", `${folder}/error.log`, "-c", `${folder}/nginx.conf`];
  });
}

/** Passes connections on to a port of this machine, each with a PROXY header: `send-proxy` or `send-proxy-v2`. */
export async function startHaproxyBefore(
  t: TestContext,
  target: number,
  option: string,
): Promise<RealServer> {
  const folder = createFolder();
  return start(t, folder, (port) => {
    const file = join(folder, "haproxy.cfg");
    writeFileSync(
      file,
      `defaults\n timeout client 5s\n timeout server 5s\n timeout connect 5s
       listen front\n bind 127.0.0.1:${port}\n server seamless 127.0.0.1:${target} ${option}\n`,
    );
    return ["haproxy", "-db", "-f", file];
  });
}

/** Expects a PROXY header, and answers every request with a log-format text such as `%[src]`. */
export async function startHaproxy(t: TestContext, answer: string): Promise<RealServer> {
  const folder = createFolder();
  return start(t, folder, (port) => {
    const file = join(folder, "haproxy.cfg");
    writeFileSync(
      file,
      `defaults\n mode http\n timeout client 5s\n
       frontend web\n bind 127.0.0.1:${port} accept-proxy
       http-request return status 200 content-type text/plain lf-string "${answer}"\n`,
    );
    return ["haproxy", "-db", "-f", file];
  });
}

/** Trusts every local user; PostgreSQL refuses to run as root, so root becomes `postgres`. */
export async function startPostgres(t: TestContext): Promise<RealServer> {
  const folder = createFolder();
  const isRoot = userInfo().uid === 0;
  const as = isRoot ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];
  if (isRoot) {
    const { stdout } = await run("id", ["-u", "postgres"]);
    chownSync(folder, Number(stdout), 0);
  }
  const bin = dirname(findProgram("initdb") ?? "");
  const data = join(folder, "data");
  const initdb = [...as, join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--no-sync"];
  const made = await run(initdb[0] ?? "", initdb.slice(1));
  if (made.exitCode !== 0) throw new Error(made.stderr);
  return start(
    t,
    folder,
    (port) => [...as, join(bin, "postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-k", folder, "-F"],
    "SIGINT",
  );
}

async function start(
  t: TestContext,
  folder: string,
  command: (port: string) => string[],
  signal?: NodeJS.Signals,
): Promise<RealServer> {
  const address = await deadAddress();
  const port = Number(address.split(":")[1]);
  const [program = "", ...args] = command(String(port));
  const child = spawn(program, args, { stdio: "pipe" });
  endAfter(t, child, signal);
  // Hooks run in the order in which they were set: only an ended server loses its files.
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const output = collect(child);
  for (let tries = 0; !(await accepts(port)); tries++) {
    if (child.exitCode !== null || tries > 400)
      throw new Error(`${program} does not start: ${output.stdout}${output.stderr}`);
    await delay(25);
  }
  return { port, address, child };
}

const createFolder = (): string => mkdtempSync(join(tmpdir(), "seamless-test-"));

/** Whether a connection is accepted and kept: a server that starts may accept only to say that it is not ready. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
