import { isIP } from "node:net";
import { InvalidArgumentError, type Option } from "commander";
import type { ListenAddress } from "../engine/engine.js";
import { parseListenAddress } from "../listen-address.js";
import { engineFlags, type EngineFlags } from "./engine-flags.js";
import { durationFlag, flag, understood } from "./flag.js";
import { logFlags, type LogFlags } from "./log-flags.js";
import { storeFlags, type StoreFlags } from "./store-flags.js";

/** What they may say of where it is managed. */
export interface ManagementFlags {
  readonly httpPort: number;
  readonly httpHost: string;
  readonly http?: ListenAddress | "off";
  readonly grpcPort: number;
  readonly grpcHost: string;
  readonly grpc?: ListenAddress;
}

/** What the command line and the configuration file may say of the process. */
export interface ProcessFlags extends EngineFlags, StoreFlags, LogFlags, ManagementFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly tokens?: string;
  readonly shutdownTimeout: number;
  readonly upgradeTimeout: number;
  readonly upgradeDrainLimit: number;
  readonly state?: string;
}

export function processFlags(): readonly Option[] {
  return [
    flag("--http-port <port>", "port of the curl interface").argParser(parsePort).default(6777),
    flag("--http-host <host>", "its address").argParser(parseHost).default("127.0.0.1"),
    flag("--http <address>", "both in one, unix:/path for a Unix socket, or off").argParser(parseHttp),
    flag("--grpc-port <port>", "port of the gRPC interface").argParser(parsePort).default(6778),
    flag("--grpc-host <host>", "its address").argParser(parseHost).default("127.0.0.1"),
    flag("--grpc <address>", "both in one, or unix:/path for a Unix socket").argParser(parseManagement),
    flag("--tls-cert <file>", "certificate of management on TCP (PEM), read again when it changes"),
    flag("--tls-key <file>", "its key"),
    flag("--tls-client-ca <file>", "clients must have a certificate of this authority"),
    flag("--tokens <file>", "management needs one of these tokens; `seamless token` makes them"),
    durationFlag("--shutdown-timeout <time>", "for open connections to end after SIGTERM", 30_000),
    durationFlag("--upgrade-timeout <time>", "for a new process to take over after SIGUSR2", 60_000),
    durationFlag(
      "--upgrade-drain-limit <time>",
      "for the open connections of a process that was replaced by an upgrade",
      3_600_000,
    ),
    flag("--state <file>", "keep the state in this file; what it says wins over <backends>"),
    ...storeFlags(),
    ...engineFlags(),
    ...logFlags(),
  ];
}

/** Where management is to listen; no `http`: there is no curl interface. */
export function managementAddresses({
  grpc,
  grpcHost,
  grpcPort,
  http,
  httpHost,
  httpPort,
}: ManagementFlags): {
  readonly grpc: ListenAddress;
  readonly http: ListenAddress | undefined;
} {
  return {
    grpc: grpc ?? { host: grpcHost, port: grpcPort },
    http: http === "off" ? undefined : (http ?? { host: httpHost, port: httpPort }),
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return port;
}

function parseManagement(text: string): ListenAddress {
  return understood(() => parseListenAddress(text));
}

function parseHttp(text: string): ListenAddress | "off" {
  return text === "off" ? text : parseManagement(text);
}

function parseHost(text: string): string {
  const host = text.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (host === "localhost") return "127.0.0.1";
  if (isIP(host) !== 0) return host;
  throw new InvalidArgumentError("Expected an IP address or localhost.");
}
