import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import type { EtcdEndpoint } from "../etcd-options.js";

/** etcd says so itself once it has a leader and has joined; 3.4 and 3.5 alike. */
const READY = /ready to serve client requests/;
const READY_LIMIT_MS = 60_000;

/** Whether etcd is installed. If not, the test is skipped and says so; in CI, where it has to be, it fails. */
export function hasEtcd(t: TestContext): boolean {
  const missing = ["etcd", "etcdctl"].find((name) => spawnSync(name, ["--version"]).error !== undefined);
  if (missing === undefined) return true;
  const message = `needs the program ${missing}, which is not installed (see .ci/run)`;
  if (process.env["CI"] !== undefined) throw new Error(message);
  t.skip(message);
  return false;
}

/** Files of openssl for an etcd that speaks TLS. */
export interface ServerTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Whether clients must show a certificate of `ca`. */
  readonly mutual: boolean;
}

export interface ServerOptions {
  readonly tls?: ServerTls;
  /** More arguments of etcd. */
  readonly flags?: readonly string[];
}

/** One etcd process with a data folder of its own; ended with the test. */
export class EtcdServer {
  readonly endpoint: EtcdEndpoint;
  readonly #folder = mkdtempSync(join(tmpdir(), "seamless-etcd-"));
  readonly #arguments: readonly string[];
  readonly #tls: ServerTls | undefined;
  #child: ChildProcess | undefined;

  constructor(t: TestContext, ports: MemberPorts, cluster: string, options: ServerOptions) {
    this.endpoint = { host: "127.0.0.1", port: ports.client };
    this.#tls = options.tls;
    this.#arguments = memberArguments(ports, cluster, options);
    const end = (): void => void this.#child?.kill("SIGKILL");
    process.once("exit", end);
    t.after(async () => {
      await this.kill();
      process.removeListener("exit", end);
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  /** Starts it, with the data that it had. Resolves when it serves clients: when a majority of members is there. */
  async start(): Promise<void> {
    const options = ["--data-dir", join(this.#folder, "data"), ...this.#arguments];
    const child = spawn("etcd", options, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    const lines = createInterface({ input: child.stderr });
    const last: string[] = [];
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`etcd ${why}: ${last.join("\n")}`));
      const late = setTimeout(() => fail("is not ready"), READY_LIMIT_MS);
      child.once("error", reject);
      child.once("exit", (code) => {
        clearTimeout(late);
        fail(`ended with ${String(code)}`);
      });
      lines.on("line", (line) => {
        last.push(line);
        if (last.length > 20) last.shift();
        if (!READY.test(line)) return;
        clearTimeout(late);
        resolve();
      });
    });
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** It stops running, but its connections stay open and the kernel goes on accepting new ones. */
  freeze(): void {
    const { pid } = this.#child ?? {};
    this.#child?.kill("SIGSTOP");
    // The signal has been sent; on a busy machine threads may run on for a moment.
    if (pid !== undefined) while (!isStopped(pid));
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Deletes its data, while it isn't running. */
  wipe(): void {
    rmSync(join(this.#folder, "data"), { recursive: true, force: true });
  }

  /** Runs etcdctl on it and gives its output. */
  ctl(...options: string[]): string {
    const tls = this.#tls;
    const all = [
      `--endpoints=${tls ? "https" : "http"}://127.0.0.1:${this.endpoint.port}`,
      ...(tls ? [`--cacert=${tls.ca}`, `--cert=${tls.cert}`, `--key=${tls.key}`] : []),
      ...options,
    ];
    const result = spawnSync("etcdctl", all, { env: { ...process.env, ETCDCTL_API: "3" }, encoding: "utf8" });
    if (result.status !== 0) throw new Error(`etcdctl ${options.join(" ")}: ${result.stderr}`);
    return result.stdout;
  }
}

export async function startEtcd(t: TestContext, options: ServerOptions = {}): Promise<EtcdServer> {
  const [server] = await startMembers(t, 1, options);
  return server as EtcdServer;
}

/** A cluster of three, all of which are ready. */
export async function startCluster(t: TestContext, options: ServerOptions = {}): Promise<EtcdServer[]> {
  return startMembers(t, 3, options);
}

async function startMembers(t: TestContext, count: number, options: ServerOptions): Promise<EtcdServer[]> {
  const ports: MemberPorts[] = [];
  for (let index = 0; index < count; index += 1)
    ports.push({ name: `member${index}`, client: await freePort(), peer: await freePort() });
  const cluster = ports.map(({ name, peer }) => `${name}=http://127.0.0.1:${peer}`).join(",");
  const members = ports.map((its) => new EtcdServer(t, its, cluster, options));
  await Promise.all(members.map((member) => member.start()));
  return members;
}

/** Whether all threads of a process are. */
function isStopped(pid: number): boolean {
  const states = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0];
  });
  return states.every((state) => state === "T");
}

interface MemberPorts {
  readonly name: string;
  readonly client: number;
  readonly peer: number;
}

function memberArguments(
  { name, client, peer }: MemberPorts,
  cluster: string,
  options: ServerOptions,
): string[] {
  const { tls, flags = [] } = options;
  const clientUrl = `${tls ? "https" : "http"}://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  return [
    ...["--name", name, "--initial-cluster", cluster],
    ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
    ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
    ...(tls ? ["--cert-file", tls.cert, "--key-file", tls.key] : []),
    ...(tls?.mutual ? ["--trusted-ca-file", tls.ca, "--client-cert-auth"] : []),
    ...flags,
  ];
}

/**
 * A port below those that the kernel gives to outgoing connections, so that nobody gets it while a member that is to
 * come back with the same address is down.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
