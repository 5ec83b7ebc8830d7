import { Command, InvalidArgumentError } from "commander";
import { formatAddress, parseAddress } from "./address.js";
import type { HealthCheck } from "./control/health-check.js";
import { engineFlags, type EngineFlags } from "./engine-flags.js";
import { durationFlag, flag, understood } from "./flag.js";
import { healthFlags, toHealthCheck, type HealthFlags } from "./health-flags.js";
import type { Endpoint } from "./engine/engine.js";
import { LOG_FORMATS, LOG_LEVELS } from "./logger.js";
import { DEFAULT_SETTINGS } from "./control/service-settings.js";

/** What the command line and the environment say. */
export interface Config {
  readonly listen: Endpoint;
  readonly backends: readonly string[];
  readonly grpc: Endpoint | { readonly path: string };
  readonly http: Endpoint;
  readonly connectTimeoutMs: number;
  readonly queueTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  /** How backends are checked; undefined: they are not. */
  readonly healthCheck: HealthCheck | undefined;
  /** Path of the state file; undefined: nothing outlives the process. */
  readonly state: string | undefined;
  readonly resetState: boolean;
  readonly engine: EngineFlags["engine"];
  /** Threads that move data; undefined: one for each core. */
  readonly threads: number | undefined;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

interface Flags extends EngineFlags, HealthFlags {
  readonly httpPort: number;
  readonly httpHost: string;
  readonly grpcPort: number;
  readonly grpcHost: string;
  readonly grpc?: Config["grpc"];
  readonly connectTimeout: number;
  readonly queueTimeout: number;
  readonly shutdownTimeout: number;
  readonly state?: string;
  readonly resetState?: boolean;
  readonly logLevel: Config["logLevel"];
  readonly logFormat: Config["logFormat"];
}

const HELP = `
Examples:
  seamless 8080 localhost:4444                  clients connect to port 8080, all interfaces
  seamless 127.0.0.1:8080 web1:80,web2:80       loopback only, two backends in turn
  seamlessctl add localhost:4445                put a backend into the rotation
  curl 'http://localhost:6777/remove?backend=localhost:4444'

Durations are written as 500ms, 3s, 2m or 0. SIGTERM and SIGINT stop accepting and let open connections end, up to
--shutdown-timeout; a second one ends at once. Exit codes: 0 stopped as told, 1 could not start or failed, 2 usage.`;

/** The command line of `seamless`. `run` is called with what it says; errors are commander's. */
export function createDaemonProgram(version: string, run: (config: Config) => Promise<void>): Command {
  const program = new Command("seamless")
    .description("A layer-4 (TCP) proxy for deploying without downtime.")
    .argument("<listen>", "where clients connect: PORT (all interfaces) or HOST:PORT", parseListen)
    .argument(
      "<backends>",
      "where they are connected to: HOST:PORT, several separated by commas",
      parseBackendList,
    )
    .addOption(flag("--http-port <port>", "port of the curl interface").argParser(parsePort).default(6777))
    .addOption(
      flag("--http-host <host>", "its loopback address").argParser(parseLoopback).default("127.0.0.1"),
    )
    .addOption(flag("--grpc-port <port>", "port of the gRPC interface").argParser(parsePort).default(6778))
    .addOption(
      flag("--grpc-host <host>", "its loopback address").argParser(parseLoopback).default("127.0.0.1"),
    )
    .addOption(flag("--grpc <address>", "both in one, or unix:/path for a Unix socket").argParser(parseGrpc))
    .addOption(
      durationFlag(
        "--connect-timeout <time>",
        "for connecting to one backend",
        DEFAULT_SETTINGS.connectTimeoutMs,
      ),
    )
    .addOption(
      durationFlag(
        "--queue-timeout <time>",
        "hold clients while no backend works",
        DEFAULT_SETTINGS.queueTimeoutMs,
      ),
    )
    .addOption(durationFlag("--shutdown-timeout <time>", "for open connections to end after SIGTERM", 30_000))
    .addOption(flag("--state <file>", "keep the state in this file; what it says wins over <backends>"))
    .addOption(flag("--reset-state", "begin with <backends>, whatever the state file says"))
    .addOption(
      flag("--log-level <level>", "least level logged, to stderr").choices(LOG_LEVELS).default("info"),
    )
    .addOption(
      flag("--log-format <format>", "for people or for programs").choices(LOG_FORMATS).default("text"),
    )
    .version(`seamless ${version}`, "--version", "print the version and exit")
    .helpOption("-h, --help", "print this help and exit")
    .addHelpText("after", HELP)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "seamless:")) })
    .showHelpAfterError("Run seamless --help for the whole usage.")
    .exitOverride()
    .action((listen: Endpoint, backends: readonly string[], flags: Flags, self: Command) =>
      run(toConfig(listen, backends, { ...flags, healthCheck: readHealthCheck(flags, self) })),
    );
  for (const option of [...engineFlags(), ...healthFlags()]) program.addOption(option);
  return program;
}

/** What only makes sense together is looked at together, and is a usage error like any other. */
function readHealthCheck(flags: Flags, command: Command): HealthCheck | undefined {
  try {
    return toHealthCheck(flags);
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`);
  }
}

/** The Go program's own flags, `-httpPort N`, `-httpPort=N` and `-version`, in the form that commander reads. */
export function translateGoFlags(argv: readonly string[]): string[] {
  return argv.map((arg) =>
    arg.replace(/^--?httpPort(?==|$)/, "--http-port").replace(/^-version$/, "--version"),
  );
}

function toConfig(
  listen: Endpoint,
  backends: readonly string[],
  flags: Flags & Pick<Config, "healthCheck">,
): Config {
  return {
    listen,
    backends,
    grpc: flags.grpc ?? { host: flags.grpcHost, port: flags.grpcPort },
    http: { host: flags.httpHost, port: flags.httpPort },
    connectTimeoutMs: flags.connectTimeout,
    queueTimeoutMs: flags.queueTimeout,
    shutdownTimeoutMs: flags.shutdownTimeout,
    healthCheck: flags.healthCheck,
    state: flags.state,
    resetState: flags.resetState ?? false,
    engine: flags.engine,
    threads: flags.threads,
    logLevel: flags.logLevel,
    logFormat: flags.logFormat,
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return port;
}

/** `8080`, `:8080` (as Go has it) and `*:8080` mean all interfaces. Port 0 takes a free one. */
function parseListen(text: string): Endpoint {
  const port = /^(?:\*?:)?(\d{1,5})$/.exec(text)?.[1];
  if (port !== undefined) return { host: "", port: parsePort(port) };
  const free = text.endsWith(":0");
  const { kind, host, port: given } = understood(() => parseAddress(free ? text.replace(/0$/, "1") : text));
  if (kind === "name" && host !== "localhost") {
    throw new InvalidArgumentError("Expected a port, or a port of an IP address or of localhost.");
  }
  return { host: kind === "name" ? "127.0.0.1" : host, port: free ? 0 : given };
}

function parseBackendList(text: string): readonly string[] {
  return text.split(",").map((entry) => understood(() => formatAddress(parseAddress(entry.trim()))));
}

function parseGrpc(text: string): Config["grpc"] {
  if (text.startsWith("unix:/")) return { path: text.slice("unix:".length) };
  if (text.startsWith("unix:"))
    throw new InvalidArgumentError("Expected an absolute path, as in unix:/run/seamless/grpc.sock.");
  const { host, port } = parseListen(text);
  return { host: parseLoopback(host), port };
}

/** Whoever can change a backend reads all new traffic, so management stays on this machine. */
function parseLoopback(text: string): string {
  const host = text.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (host === "localhost") return "127.0.0.1";
  if (/^127(\.\d{1,3}){3}$/.test(host) || host === "::1") return host;
  throw new InvalidArgumentError(
    "Management is open to everyone who can reach it, so it takes only a loopback address (127.0.0.1, ::1, localhost) or, for gRPC, --grpc unix:/path.",
  );
}
