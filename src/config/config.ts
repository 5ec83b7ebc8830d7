import type { CredentialPaths } from "../admin/access/credential-files.js";
import { requireCredentials } from "../admin/access/exposure.js";
import type { ListenAddress } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { formatListenAddress } from "../listen-address.js";
import { Claims } from "./claims.js";
import { managementAddresses, type ProcessFlags } from "./process-flags.js";
import { toStoreConfig, type StoreConfig } from "./store-flags.js";
import type { ServiceConfig } from "../control/service-config.js";

/** What the command line, the environment and the configuration file say, in this order of weight. */
export interface Config {
  readonly services: readonly ServiceConfig[];
  readonly grpc: ListenAddress;
  /** Undefined: there is no curl interface. */
  readonly http: ListenAddress | undefined;
  readonly credentials: CredentialPaths;
  readonly shutdownTimeoutMs: number;
  /** For a new process to take over. */
  readonly upgradeTimeoutMs: number;
  /** For the connections of a process that another has taken the place of. */
  readonly upgradeDrainLimitMs: number;
  /** Path of the state file; undefined: nothing outlives the process. */
  readonly state: string | undefined;
  readonly resetState: boolean;
  /** Where the lists are shared; undefined: they are this proxy's alone. */
  readonly store: StoreConfig | undefined;
  /** What the proxy is called in the fleet. */
  readonly proxyName: string | undefined;
  readonly engine: ProcessFlags["engine"];
  /** Threads that move data; undefined: one for each core. */
  readonly threads: number | undefined;
  readonly logLevel: ProcessFlags["logLevel"];
  readonly logFormat: ProcessFlags["logFormat"];
  /** Most lines a second of one kind about the connections of one service; 0: no limit. */
  readonly logRate: number;
}

/** @throws ProxyError INVALID_ARGUMENT */
export function toConfig(
  services: readonly ServiceConfig[],
  flags: ProcessFlags & { readonly resetState?: boolean },
): Config {
  const { tlsCert, tlsKey, tlsClientCa, tokens } = flags;
  const credentials = { tlsCert, tlsKey, tlsClientCa, tokens };
  const { grpc, http } = managementAddresses(flags);
  requireOneEach(services, { grpc, http });
  requireCredentials(credentials, [grpc, http]);
  return {
    services,
    grpc,
    http,
    credentials,
    shutdownTimeoutMs: flags.shutdownTimeout,
    upgradeTimeoutMs: flags.upgradeTimeout,
    upgradeDrainLimitMs: flags.upgradeDrainLimit,
    state: flags.state,
    resetState: flags.resetState ?? false,
    store: toStoreConfig(flags),
    proxyName: flags.proxyName,
    engine: flags.engine,
    threads: flags.threads,
    logLevel: flags.logLevel,
    logFormat: flags.logFormat,
    logRate: flags.logRate,
  };
}

/** In a file each is told with its line before. */
function requireOneEach(
  services: readonly ServiceConfig[],
  { grpc, http }: Pick<Config, "grpc" | "http">,
): void {
  const claims = new Claims();
  const claim = (address: ListenAddress, owner: string): void => {
    const other = claims.add(address, owner);
    if (other === undefined) return;
    const where = formatListenAddress(address);
    throw new ProxyError("INVALID_ARGUMENT", `${owner} can't listen on ${where}, which ${other} has`);
  };
  claim(grpc, "--grpc");
  if (http) claim(http, "--http");
  for (const { name, listen } of services) for (const address of listen) claim(address, `service '${name}'`);
}
