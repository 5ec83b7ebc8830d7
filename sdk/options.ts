import type { RetryOptions } from "./backoff.js";
import { SeamlessError } from "./errors.js";

/** Where the proxy is, and how patient the client is with it. */
export interface ConnectOptions {
  /**
   * gRPC address of the proxy: `host:port` (host name, IPv4, or `[IPv6]`) or `unix:/path`. Default:
   * `127.0.0.1:6778`.
   */
  readonly address?: string;
  /** Service of the calls that name none. Default: `default`. */
  readonly service?: string;
  /** Time for a call with all its attempts, sent to the proxy as its deadline. Milliseconds; default: 10000. */
  readonly timeoutMs?: number;
  /** How calls are tried again while no proxy answers. */
  readonly retry?: RetryOptions;
  /**
   * Who makes the changes, for the proxy's history: text of at most 128 characters, noted and not verified. Default:
   * the history names the address that the client called from.
   */
  readonly actor?: string;
  /** Who the client is, where the proxy asks for it; `seamless token` makes one. Not sent in the clear to other machines. */
  readonly token?: string;
  /** Whether to use TLS, and how. Default: not. On Unix sockets there is none. */
  readonly tls?: boolean | TlsOptions;
}

/** Certificates and keys, as PEM text. */
export interface TlsOptions {
  /** Authorities that the proxy's certificate may come from. Default: those that Node trusts. */
  readonly ca?: string;
  /** The client's own certificate, where the proxy asks for one. */
  readonly cert?: string;
  /** The key of {@link TlsOptions.cert}. */
  readonly key?: string;
  /** The name in the proxy's certificate. Default: the host of the address. */
  readonly serverName?: string;
}

/** {@link ConnectOptions} that were found to be right, with the defaults filled in. */
export interface Settings {
  readonly target: Target;
  readonly service: string;
  readonly timeoutMs: number;
  readonly retry: Required<RetryOptions>;
  readonly actor: string | undefined;
  readonly token: string | undefined;
  readonly tls: TlsOptions | undefined;
}

/** Where to connect to. */
export type Target =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly address: string }
  | { readonly kind: "unix"; readonly path: string; readonly address: string };

const DEFAULTS = {
  address: "127.0.0.1:6778",
  service: "default",
  timeoutMs: 10_000,
  retry: { attempts: 4, initialDelayMs: 100, maxDelayMs: 2_000 },
};
/** Node's timers take no more; a longer time would run out at once. */
const MAX_TIME_MS = 2 ** 31 - 1;
const MAX_UINT32 = 2 ** 32 - 1;
const MAX_ACTOR = 128;

/**
 * Checks all options and fills in the defaults, before anything is connected.
 * @throws SeamlessError INVALID_OPTIONS naming the option
 */
export function resolveOptions(options: ConnectOptions = {}): Settings {
  const target = parseTarget(options.address ?? DEFAULTS.address);
  const tls = resolveTls(options.tls, target);
  return {
    target,
    service: requireText("service", options.service ?? DEFAULTS.service, "connect"),
    timeoutMs: requireTimeMs("timeoutMs", options.timeoutMs ?? DEFAULTS.timeoutMs, "connect"),
    retry: resolveRetry(options.retry ?? {}),
    actor: options.actor === undefined ? undefined : requireActor(options.actor),
    token: options.token === undefined ? undefined : requireToken(options.token, target, tls),
    tls,
  };
}

/** @throws SeamlessError INVALID_OPTIONS */
export function requireText(option: string, value: unknown, method: string): string {
  if (typeof value === "string") return value;
  throw invalidOption(`${option} must be a string, not ${show(value)}`, method);
}

/** @throws SeamlessError INVALID_OPTIONS */
export function requireTimeMs(option: string, value: unknown, method: string): number {
  if (typeof value === "number" && value > 0 && value <= MAX_TIME_MS) return value;
  throw invalidOption(
    `${option} must be a number of milliseconds from 1 to ${MAX_TIME_MS}, not ${show(value)}`,
    method,
  );
}

/** @throws SeamlessError INVALID_OPTIONS */
export function requireUint32(option: string, value: unknown, method: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_UINT32) return value;
  throw invalidOption(`${option} must be a whole number, not ${show(value)}`, method);
}

/** @throws SeamlessError INVALID_OPTIONS */
export function requireBoolean(option: string, value: unknown, method: string): boolean {
  if (typeof value === "boolean") return value;
  throw invalidOption(`${option} must be true or false, not ${show(value)}`, method);
}

/** An INVALID_OPTIONS error. */
export function invalidOption(text: string, method: string): SeamlessError {
  return new SeamlessError("INVALID_OPTIONS", text, { status: "INVALID_ARGUMENT", method });
}

/** A value as an error message shows it. */
export function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function requireActor(value: unknown): string {
  const actor = requireText("actor", value, "connect");
  if (actor.length <= MAX_ACTOR && !/\p{C}/u.test(actor)) return actor;
  throw invalidOption(
    `actor must be text of at most ${MAX_ACTOR} characters, without control characters`,
    "connect",
  );
}

function requireToken(value: unknown, target: Target, tls: TlsOptions | undefined): string {
  const token = requireText("token", value, "connect");
  if (!/^[\x21-\x7e]{1,512}$/.test(token))
    throw invalidOption("token must be 1 to 512 visible ASCII characters", "connect");
  const isLocal = target.kind === "unix" || /^(localhost|127\..*|::1)$/i.test(target.host);
  if (isLocal || tls) return token;
  throw invalidOption(`the token would go to ${target.address} in the clear: give tls, too`, "connect");
}

function resolveTls(value: unknown, target: Target): TlsOptions | undefined {
  if (value === undefined || value === false || target.kind === "unix") return undefined;
  if (value === true) return {};
  if (typeof value !== "object" || value === null)
    throw invalidOption(`tls must be a boolean or an object, not ${show(value)}`, "connect");
  for (const [key, text] of Object.entries(value))
    if (text !== undefined) requireText(`tls.${key}`, text, "connect");
  return value;
}

function requireInteger(option: string, value: unknown, method: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw invalidOption(`${option} must be a whole number of at least 1, not ${show(value)}`, method);
}

function resolveRetry(retry: RetryOptions): Required<RetryOptions> {
  return {
    attempts: requireInteger("retry.attempts", retry.attempts ?? DEFAULTS.retry.attempts, "connect"),
    initialDelayMs: requireTimeMs(
      "retry.initialDelayMs",
      retry.initialDelayMs ?? DEFAULTS.retry.initialDelayMs,
      "connect",
    ),
    maxDelayMs: requireTimeMs("retry.maxDelayMs", retry.maxDelayMs ?? DEFAULTS.retry.maxDelayMs, "connect"),
  };
}

function parseTarget(given: unknown): Target {
  const address = requireText("address", given, "connect");
  if (address.startsWith("unix:/")) return { kind: "unix", path: address.slice("unix:".length), address };
  const [, bracketed, plain, digits] =
    /^(?:\[([\da-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port >= 1 && port <= 65_535) return { kind: "tcp", host, port, address };
  throw invalidOption(
    `address must be host:port, as in 127.0.0.1:6778 or [::1]:6778, or unix:/path, not ${show(address)}`,
    "connect",
  );
}
