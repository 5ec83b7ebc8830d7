import { Command, InvalidArgumentError, Option } from "commander";
import { formatAddress, parseAddress } from "./address.js";
import {
  completeHealthCheck,
  DEFAULT_CHECK,
  parseCheckKind,
  type CheckKind,
  type HealthCheck,
} from "./control/health-check.js";
import { parseDuration } from "./duration.js";
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
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

interface Flags {
  readonly httpPort: number;
  readonly httpHost: string;
  readonly grpcPort: number;
  readonly grpcHost: string;
  readonly grpc?: Config["grpc"];
  readonly connectTimeout: number;
  readonly queueTimeout: number;
  readonly shutdownTimeout: number;
  readonly health?: CheckKind;
  readonly healthHost?: string;
  readonly healthStatus?: string;
  readonly healthInterval: number;
  readonly healthTimeout: number;
  readonly healthRise: number;
  readonly healthFall: number;
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
  const option = (flags: string, description: string): Option => {
    const created = new Option(flags, description);
    return created.env(`SEAMLESS_${created.name().replaceAll("-", "_").toUpperCase()}`);
  };
  return new Command("seamless")
    .description("A layer-4 (TCP) proxy for deploying without downtime.")
    .argument("<listen>", "where clients connect: PORT (all interfaces) or HOST:PORT", parseListen)
    .argument(
      "<backends>",
      "where they are connected to: HOST:PORT, several separated by commas",
      parseBackendList,
    )
    .addOption(option("--http-port <port>", "port of the curl interface").argParser(parsePort).default(6777))
    .addOption(
      option("--http-host <host>", "its loopback address").argParser(parseLoopback).default("127.0.0.1"),
    )
    .addOption(option("--grpc-port <port>", "port of the gRPC interface").argParser(parsePort).default(6778))
    .addOption(
      option("--grpc-host <host>", "its loopback address").argParser(parseLoopback).default("127.0.0.1"),
    )
    .addOption(
      option("--grpc <address>", "both in one, or unix:/path for a Unix socket").argParser(parseGrpc),
    )
    .addOption(
      duration(
        option("--connect-timeout <time>", "for connecting to one backend"),
        DEFAULT_SETTINGS.connectTimeoutMs,
      ),
    )
    .addOption(
      duration(
        option("--queue-timeout <time>", "wait for a backend while there is none"),
        DEFAULT_SETTINGS.queueTimeoutMs,
      ),
    )
    .addOption(
      duration(option("--shutdown-timeout <time>", "for open connections to end after SIGTERM"), 30_000),
    )
    .addOption(
      option("--health <kind>", "check backends: tcp, http:/path or grpc[:service]").argParser((text) =>
        understood(() => parseCheckKind(text)),
      ),
    )
    .addOption(option("--health-host <host>", "Host header of http checks (default: the backend's address)"))
    .addOption(option("--health-status <codes>", "healthy statuses of http checks (default: 200-299)"))
    .addOption(
      duration(
        option("--health-interval <time>", "between two checks of a backend"),
        DEFAULT_CHECK.intervalMs,
      ),
    )
    .addOption(duration(option("--health-timeout <time>", "for one check"), DEFAULT_CHECK.timeoutMs))
    .addOption(
      option("--health-rise <count>", "checks in a row until healthy")
        .argParser(parseCount)
        .default(DEFAULT_CHECK.rise),
    )
    .addOption(
      option("--health-fall <count>", "checks in a row until unhealthy")
        .argParser(parseCount)
        .default(DEFAULT_CHECK.fall),
    )
    .addOption(option("--state <file>", "keep the state in this file; what it says wins over <backends>"))
    .addOption(option("--reset-state", "begin with <backends>, whatever the state file says"))
    .addOption(
      option("--log-level <level>", "least level logged, to stderr").choices(LOG_LEVELS).default("info"),
    )
    .addOption(
      option("--log-format <format>", "for people or for programs").choices(LOG_FORMATS).default("text"),
    )
    .version(`seamless ${version}`, "--version", "print the version and exit")
    .helpOption("-h, --help", "print this help and exit")
    .addHelpText("after", HELP)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "seamless:")) })
    .showHelpAfterError("Run seamless --help for the whole usage.")
    .exitOverride()
    .action((listen: Endpoint, backends: readonly string[], flags: Flags) =>
      run(toConfig(listen, backends, flags)),
    );
}

/** The Go program's own flags, `-httpPort N`, `-httpPort=N` and `-version`, in the form that commander reads. */
export function translateGoFlags(argv: readonly string[]): string[] {
  return argv.map((arg) =>
    arg.replace(/^--?httpPort(?==|$)/, "--http-port").replace(/^-version$/, "--version"),
  );
}

function toConfig(listen: Endpoint, backends: readonly string[], flags: Flags): Config {
  return {
    listen,
    backends,
    grpc: flags.grpc ?? { host: flags.grpcHost, port: flags.grpcPort },
    http: { host: flags.httpHost, port: flags.httpPort },
    connectTimeoutMs: flags.connectTimeout,
    queueTimeoutMs: flags.queueTimeout,
    shutdownTimeoutMs: flags.shutdownTimeout,
    healthCheck: toHealthCheck(flags),
    state: flags.state,
    resetState: flags.resetState ?? false,
    logLevel: flags.logLevel,
    logFormat: flags.logFormat,
  };
}

function toHealthCheck(flags: Flags): HealthCheck | undefined {
  if (!flags.health) return undefined;
  const { healthHost: host = "", healthStatus: expectedStatus = "" } = flags;
  const kind = flags.health.type === "http" ? { ...flags.health, host, expectedStatus } : flags.health;
  return completeHealthCheck({
    kind,
    intervalMs: flags.healthInterval,
    timeoutMs: flags.healthTimeout,
    rise: flags.healthRise,
    fall: flags.healthFall,
  });
}

function parseCount(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError("Expected a whole number.");
  return Number(text);
}

function duration(option: Option, defaultMs: number): Option {
  const shown = defaultMs % 1_000 === 0 && defaultMs > 0 ? `${defaultMs / 1_000}s` : String(defaultMs);
  return option.default(defaultMs, shown).argParser((text) => {
    const durationMs = parseDuration(text);
    if (durationMs === undefined)
      throw new InvalidArgumentError("Expected a duration such as 500ms, 3s, 2m or 0.");
    return durationMs;
  });
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

/** Turns an error of ours into commander's, which names the argument. */
function understood<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
