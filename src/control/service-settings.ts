import type { Balancing } from "./balancing.js";
import { completeHealthCheck, type HealthCheck, type HealthCheckRequest } from "./health-check.js";
import type { ListenerSettings } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { parseNetwork } from "../network.js";
import type { ProxyProtocol } from "../proxy-header.js";

/** What can be set per service. */
export interface ServiceSettings extends ListenerSettings {
  /** How new connections are shared out. */
  readonly balance: Balancing;
  /** How long a new connection waits while no backend can take it; 0: it is reset at once. */
  readonly queueTimeoutMs: number;
  /** Most connections that wait at once, unless a pause says otherwise. */
  readonly maxHeld: number;
  /** How backends are checked at first; undefined: they are not. */
  readonly healthCheck: HealthCheck | undefined;
  /** Failed connects in a row that put a backend aside, and for how long. */
  readonly ejectAfterFailures: number;
  readonly ejectMs: number;
  /** How long a change waits for the first look-up of a new host name before it goes on without it. */
  readonly resolveWaitMs: number;
  /** How often drains are looked at: what is due is done, and watchers are told what has changed. */
  readonly drainProgressMs: number;
}

export const DEFAULT_SETTINGS: ServiceSettings = {
  connectTimeoutMs: 3_000,
  maxAttempts: 3,
  idleTimeoutMs: 0,
  halfCloseTimeoutMs: 60_000,
  maxConnections: 0,
  maxConnectionsPerClient: 0,
  maxAcceptsPerSecond: 0,
  sendProxy: 0,
  acceptProxyFrom: [],
  balance: "round_robin",
  queueTimeoutMs: 0,
  maxHeld: 10_000,
  healthCheck: undefined,
  ejectAfterFailures: 3,
  ejectMs: 5_000,
  resolveWaitMs: 200,
  drainProgressMs: 250,
};

/** What a request may set; what is left out has its default. */
export interface SettingsRequest {
  readonly connectTimeoutMs?: number | undefined;
  readonly queueTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
  readonly halfCloseTimeoutMs?: number | undefined;
  readonly maxConnections?: number | undefined;
  readonly maxConnectionsPerClient?: number | undefined;
  readonly maxAcceptsPerSecond?: number | undefined;
  readonly sendProxy?: number | undefined;
  readonly balance?: Balancing | undefined;
  readonly acceptProxyFrom?: readonly string[] | undefined;
  readonly healthCheck?: HealthCheckRequest | undefined;
}

const MAX_TIME_MS = 0x7fff_ffff;
const MAX_COUNT = 999_999_999;
const RANGES = {
  connectTimeoutMs: [1, MAX_TIME_MS],
  queueTimeoutMs: [0, MAX_TIME_MS],
  idleTimeoutMs: [0, MAX_TIME_MS],
  halfCloseTimeoutMs: [0, MAX_TIME_MS],
  maxConnections: [0, MAX_COUNT],
  maxConnectionsPerClient: [0, MAX_COUNT],
  maxAcceptsPerSecond: [0, MAX_COUNT],
  sendProxy: [0, 2],
} as const;

/** The one place that knows which settings are right. @throws ProxyError INVALID_ARGUMENT naming the one that is not */
export function completeSettings(request: SettingsRequest): ServiceSettings {
  const numbers = Object.entries(RANGES).map(([key, [least, most]]) => {
    const value = request[key as keyof typeof RANGES] ?? DEFAULT_SETTINGS[key as keyof typeof RANGES];
    if (Number.isInteger(value) && value >= least && value <= most) return [key, value];
    throw new ProxyError("INVALID_ARGUMENT", `${key} is ${value}, and must be between ${least} and ${most}`);
  });
  const healthCheck = request.healthCheck && completeHealthCheck(request.healthCheck);
  const given = Object.fromEntries(numbers) as Record<keyof typeof RANGES, number>;
  requireCheckable(healthCheck, given.sendProxy);
  const acceptProxyFrom = (request.acceptProxyFrom ?? []).map(parseNetwork);
  const { balance = DEFAULT_SETTINGS.balance } = request;
  const sendProxy = given.sendProxy as ProxyProtocol;
  return { ...DEFAULT_SETTINGS, ...given, sendProxy, acceptProxyFrom, balance, healthCheck };
}

/** @throws ProxyError INVALID_ARGUMENT if the check could not begin with the header that the backends expect */
export function requireCheckable(healthCheck: HealthCheck | undefined, sendProxy: number): void {
  if (sendProxy === 0 || healthCheck?.kind.type !== "grpc") return;
  const message = "backends that are sent a PROXY header can be checked by tcp or http, not by grpc";
  throw new ProxyError("INVALID_ARGUMENT", message);
}
