import type { CredentialPaths } from "../admin/access/credential-files.js";
import type { Endpoint, ListenAddress } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { formatListenAddress } from "../listen-address.js";
import { isLoopback } from "../loopback.js";
import type { ProcessFlags } from "./process-flags.js";
import type { ServiceConfig } from "../control/service-config.js";

/** What the command line, the environment and the configuration file say, in this order of weight. */
export interface Config {
  readonly services: readonly ServiceConfig[];
  readonly grpc: ListenAddress;
  readonly http: Endpoint;
  readonly credentials: CredentialPaths;
  readonly shutdownTimeoutMs: number;
  /** Path of the state file; undefined: nothing outlives the process. */
  readonly state: string | undefined;
  readonly resetState: boolean;
  readonly engine: ProcessFlags["engine"];
  /** Threads that move data; undefined: one for each core. */
  readonly threads: number | undefined;
  readonly logLevel: ProcessFlags["logLevel"];
  readonly logFormat: ProcessFlags["logFormat"];
}

/** @throws ProxyError INVALID_ARGUMENT */
export function toConfig(
  services: readonly ServiceConfig[],
  flags: ProcessFlags & { readonly resetState?: boolean },
): Config {
  const { tlsCert, tlsKey, tlsClientCa, tokens } = flags;
  const credentials = { tlsCert, tlsKey, tlsClientCa, tokens };
  const grpc = flags.grpc ?? { host: flags.grpcHost, port: flags.grpcPort };
  const http = { host: flags.httpHost, port: flags.httpPort };
  checkCredentials(credentials, [grpc, http]);
  return {
    services,
    grpc,
    http,
    credentials,
    shutdownTimeoutMs: flags.shutdownTimeout,
    state: flags.state,
    resetState: flags.resetState ?? false,
    engine: flags.engine,
    threads: flags.threads,
    logLevel: flags.logLevel,
    logFormat: flags.logFormat,
  };
}

/** Whoever can change a backend reads all new traffic, so what others can reach needs TLS and a credential. */
function checkCredentials(
  { tlsCert, tlsKey, tlsClientCa, tokens }: CredentialPaths,
  addresses: readonly ListenAddress[],
): void {
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw invalid("--tls-cert and --tls-key go together: give both");
  if (tlsClientCa !== undefined && tlsCert === undefined)
    throw invalid("--tls-client-ca needs --tls-cert and --tls-key");
  const open = addresses.find((address) => !("path" in address) && !isLoopback(address.host));
  if (!open || (tlsCert !== undefined && (tokens ?? tlsClientCa) !== undefined)) return;
  throw invalid(
    `management on ${formatListenAddress(open)} could be reached from other machines: give --tls-cert and --tls-key, and --tokens or --tls-client-ca, or use a loopback address or --grpc unix:/path`,
  );
}

const invalid = (what: string): ProxyError => new ProxyError("INVALID_ARGUMENT", what);
