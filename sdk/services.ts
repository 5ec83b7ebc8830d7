import {
  Balance,
  type CreateServiceResponse,
  type DeleteServiceResponse,
  type LeftList,
  type ListServicesResponse,
  type ServiceSettings,
  type ServiceState,
  type UpgradeResponse,
} from "@seamless/proto";
import { type BackendInput, toBackendSpecs } from "./backend-input.js";
import type { CallContext } from "./call-context.js";
import type { CallOptions } from "./call-options.js";
import { ask, order } from "./calls.js";
import { type HealthCheckInput, toHealthCheck } from "./health-check-input.js";
import { invalidOption, requireText, requireUint32, show } from "./options.js";
import { present } from "./results.js";

/** Options of the calls about services as such. */
export type ServiceCallOptions = Omit<CallOptions, "service">;

/** A service to be created. */
export interface NewService {
  /**
   * Where clients connect, at least one: a port (all interfaces), `host:port` with an IP address or localhost, or
   * `unix:/path`. Port 0 takes a free one; the state that is answered says which.
   */
  readonly listen: readonly string[];
  /** Its list. Default: empty. */
  readonly backends?: readonly BackendInput[];
  /** How it treats its connections. Default: as the proxy does. */
  readonly settings?: ServiceSettingsInput;
}

/** A service that was created. */
export interface CreatedService extends ServiceState {
  /** The fleet had a list of that name, which the service goes by now. */
  readonly joinedList: boolean;
}

/** A way of sharing out new connections; see `Balance` in the contract. */
export type BalanceInput = "round_robin" | "least_connections" | "source_hash" | "random_two_choices";

const BALANCES: Readonly<Record<BalanceInput, Balance>> = {
  round_robin: Balance.ROUND_ROBIN,
  least_connections: Balance.LEAST_CONNECTIONS,
  source_hash: Balance.SOURCE_HASH,
  random_two_choices: Balance.RANDOM_TWO_CHOICES,
};

/** How a service treats its connections. */
export interface ServiceSettingsInput {
  /** For connecting to one backend. Milliseconds; default: 3000. */
  readonly connectTimeoutMs?: number;
  /** How long a new connection waits while no backend can take it. Milliseconds; default: 0, not at all. */
  readonly queueTimeoutMs?: number;
  /** Silence in both directions after which a connection is closed. Milliseconds; default: 0, never. */
  readonly idleTimeoutMs?: number;
  /** The same for a connection that has ended in one direction. Milliseconds; default: 60000. */
  readonly halfCloseTimeoutMs?: number;
  /** Most connections open at once. Default: 0, no limit but the proxy's. */
  readonly maxConnections?: number;
  /** The same of one client: an IPv4 address, or the first 64 bits of an IPv6 address. Default: 0, no limit. */
  readonly maxConnectionsPerClient?: number;
  /** Connections accepted per second. Default: 0, no limit. */
  readonly maxAcceptsPerSecond?: number;
  /** How new connections are shared out. Default: `round_robin`. */
  readonly balance?: BalanceInput;
  /** Version of the PROXY protocol, 1 or 2, by which backends are told who the client is. Default: 0, they are not. */
  readonly sendProxy?: number;
  /** Networks, such as `10.0.0.0/8`, whose clients are proxies that say so by a PROXY header. Default: none. */
  readonly acceptProxyFrom?: readonly string[];
  /** How backends are checked. Default: they are not. */
  readonly healthCheck?: HealthCheckInput;
}

const NUMBERS = [
  "connectTimeoutMs",
  "queueTimeoutMs",
  "idleTimeoutMs",
  "halfCloseTimeoutMs",
  "maxConnections",
  "maxConnectionsPerClient",
  "maxAcceptsPerSecond",
  "sendProxy",
] as const;

export async function listServices(
  context: CallContext,
  options: ServiceCallOptions,
): Promise<readonly ServiceState[]> {
  const { services } = await ask<ListServicesResponse>(context, "listServices", options, (client, ...call) =>
    client.listServices({}, ...call),
  );
  return services;
}

export async function createService(
  context: CallContext,
  name: string,
  { listen, backends = [], settings }: NewService,
  options: ServiceCallOptions,
): Promise<CreatedService> {
  const method = "createService";
  const request = {
    name: requireText("name", name, method),
    listen: toAddresses(listen, method),
    backends: backends.length === 0 ? [] : toBackendSpecs(backends, method),
    settings: settings && toSettings(settings, method),
  };
  const answer = await order<CreateServiceResponse>(context, method, options, (client, ...call) =>
    client.createService(request, ...call),
  );
  return { ...present(answer.state, method), joinedList: answer.joinedList };
}

/** The process that has taken over. */
export interface Upgraded {
  readonly pid: number;
  readonly version: string;
}

/** The proxy gives the new process a minute. */
const UPGRADE_TIMEOUT_MS = 75_000;

export async function upgrade(context: CallContext, options: ServiceCallOptions): Promise<Upgraded> {
  const withTime = { timeoutMs: UPGRADE_TIMEOUT_MS, ...options };
  return order<UpgradeResponse>(context, "upgrade", withTime, (client, ...call) =>
    client.upgrade({}, ...call),
  );
}

/** How a service is deleted. */
export interface DeleteServiceOptions extends ServiceCallOptions {
  /**
   * Remove its list from the store of the fleet, too, which fails with `LIST_IN_USE` while another live proxy serves it.
   * A list that is left can be removed through any proxy of the fleet. Default: false.
   */
  readonly withList?: boolean;
}

/** A service that was deleted. */
export interface DeletedService {
  /** What became of the list that the fleet has of it; undefined: the list was the proxy's alone, and is gone. */
  readonly list: LeftList | undefined;
}

export async function deleteService(
  context: CallContext,
  name: string,
  { withList = false, ...options }: DeleteServiceOptions,
): Promise<DeletedService> {
  const method = "deleteService";
  const request = { name: requireText("name", name, method), withList };
  const answer = await order<DeleteServiceResponse>(context, method, options, (client, ...call) =>
    client.deleteService(request, ...call),
  );
  return { list: answer.list };
}

function toSettings(settings: ServiceSettingsInput, method: string): ServiceSettings {
  const numbers = NUMBERS.map((key) => {
    const value = settings[key];
    return [key, value === undefined ? undefined : requireUint32(`settings.${key}`, value, method)];
  });
  return {
    ...(Object.fromEntries(numbers) as Pick<ServiceSettings, (typeof NUMBERS)[number]>),
    acceptProxyFrom: toTexts("settings.acceptProxyFrom", settings.acceptProxyFrom ?? [], method),
    balance: toBalance(settings.balance, method),
    healthCheck: toHealthCheck(settings.healthCheck, method),
  };
}

function toBalance(balance: BalanceInput = "round_robin", method: string): Balance {
  if (Object.hasOwn(BALANCES, balance)) return BALANCES[balance];
  const ways = Object.keys(BALANCES).join(", ");
  throw invalidOption(`settings.balance must be one of ${ways}, not ${show(balance)}`, method);
}

function toAddresses(listen: unknown, method: string): string[] {
  if (Array.isArray(listen) && listen.length > 0) return toTexts("listen", listen, method);
  throw invalidOption(`listen must be an array of addresses, not ${show(listen)}`, method);
}

function toTexts(name: string, values: unknown, method: string): string[] {
  if (Array.isArray(values)) return values.map((value) => requireText(name, value, method));
  throw invalidOption(`${name} must be an array, not ${show(values)}`, method);
}
