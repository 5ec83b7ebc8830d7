import { InvalidArgumentError, type Option } from "commander";
import { BALANCINGS, type Balancing } from "../control/balancing.js";
import { completeSettings, DEFAULT_SETTINGS, type ServiceSettings } from "../control/service-settings.js";
import { parseNetwork } from "../network.js";
import type { ProxyProtocol } from "../proxy-header.js";
import { countFlag, durationFlag, flag, understood } from "./flag.js";
import { healthFlags, toHealthCheck, type HealthFlags } from "./health-flags.js";

/** What the command line and the configuration file may say of a service. */
export interface ServiceFlags extends HealthFlags {
  readonly connectTimeout: number;
  readonly queueTimeout: number;
  readonly idleTimeout: number;
  readonly halfCloseTimeout: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  readonly maxAcceptsPerSecond: number;
  readonly balance: Balancing;
  readonly sendProxy: ProxyProtocol;
  readonly acceptProxyFrom: readonly string[];
}

/** By their numbers. */
const VERSIONS = ["off", "v1", "v2"];

export function serviceFlags(): readonly Option[] {
  const initial = DEFAULT_SETTINGS;
  return [
    durationFlag("--connect-timeout <time>", "for connecting to one backend", initial.connectTimeoutMs),
    durationFlag("--queue-timeout <time>", "hold clients while no backend works", initial.queueTimeoutMs),
    durationFlag(
      "--idle-timeout <time>",
      "close connections that are silent (0: never)",
      initial.idleTimeoutMs,
    ),
    durationFlag(
      "--half-close-timeout <time>",
      "the same for those that have ended in one direction",
      initial.halfCloseTimeoutMs,
    ),
    countFlag("--max-connections <count>", "open at once (0: no limit)", initial.maxConnections),
    countFlag(
      "--max-connections-per-client <count>",
      "of one IPv4 address or IPv6 /64 (0: no limit)",
      initial.maxConnectionsPerClient,
    ),
    countFlag(
      "--max-accepts-per-second <count>",
      "new connections (0: no limit)",
      initial.maxAcceptsPerSecond,
    ),
    flag("--balance <way>", "how new connections are shared out")
      .choices(BALANCINGS)
      .default(initial.balance),
    flag("--send-proxy <version>", "tell backends who the client is, by PROXY protocol v1 or v2 (off)")
      .default(initial.sendProxy, "off")
      .argParser(parseProxyProtocol),
    flag("--accept-proxy-from <networks>", "where proxies are that say by a PROXY header who the client is")
      .default([], "none")
      .argParser((text) => understood(() => text.split(",").map((each) => parseNetwork(each.trim())))),
    ...healthFlags(),
  ];
}

function parseProxyProtocol(text: string): ProxyProtocol {
  const version = VERSIONS.indexOf(text);
  if (version < 0) throw new InvalidArgumentError(`Expected ${VERSIONS.join(", ")}.`);
  return version as ProxyProtocol;
}

/** @throws ProxyError INVALID_ARGUMENT for what does not make sense together */
export function toServiceSettings(flags: ServiceFlags): ServiceSettings {
  return completeSettings({
    connectTimeoutMs: flags.connectTimeout,
    queueTimeoutMs: flags.queueTimeout,
    idleTimeoutMs: flags.idleTimeout,
    halfCloseTimeoutMs: flags.halfCloseTimeout,
    maxConnections: flags.maxConnections,
    maxConnectionsPerClient: flags.maxConnectionsPerClient,
    maxAcceptsPerSecond: flags.maxAcceptsPerSecond,
    balance: flags.balance,
    sendProxy: flags.sendProxy,
    acceptProxyFrom: flags.acceptProxyFrom,
    healthCheck: toHealthCheck(flags),
  });
}
