import { invalidOption, requireText, requireTimeMs, type Settings, show } from "./options.js";

/** Options of one call. */
export interface CallOptions {
  /** Service to ask or change. Default: that of {@link ConnectOptions}. */
  readonly service?: string;
  /** Time for the call with all its attempts. Milliseconds; default: that of {@link ConnectOptions}. */
  readonly timeoutMs?: number;
  /** Aborting it ends the call with `CANCELLED`. */
  readonly signal?: AbortSignal;
}

/** Options of `get`. */
export interface GetOptions extends CallOptions {
  /**
   * Ask a store that proxies share first whether the list is the latest, so that the answer holds every change that
   * was answered before, by whichever proxy. Default: false, the list that this proxy has applied.
   */
  readonly linearizable?: boolean;
}

/** Options of the calls that change the list. */
export interface ChangeOptions extends CallOptions {
  /**
   * Carry the change out only if the service's revision is still this one; else `REVISION_MISMATCH`. Default: no
   * condition.
   */
  readonly expectedRevision?: bigint | number;
}

/** Options of `pause`. */
export interface PauseOptions extends CallOptions {
  /** How long a connection is held before it is reset. Milliseconds; default: 30000. */
  readonly holdLimitMs?: number;
  /** Most connections held at once; more are reset. Default: 10000. */
  readonly maxHeld?: number;
}

/** Options of `resume`. */
export interface ResumeOptions extends CallOptions {
  /** Held connections let go per second; 0: all at once. Default: 1000. */
  readonly pacePerSecond?: number;
}

/** {@link CallOptions} that were found to be right, with the client's defaults filled in. */
export interface CallSettings {
  readonly service: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const MAX_UINT64 = 2n ** 64n - 1n;

/** @throws SeamlessError INVALID_OPTIONS naming the option */
export function resolveCallOptions(options: CallOptions, defaults: Settings, method: string): CallSettings {
  return {
    service: requireText("service", options.service ?? defaults.service, method),
    timeoutMs: requireTimeMs("timeoutMs", options.timeoutMs ?? defaults.timeoutMs, method),
    signal: requireSignal(options.signal, method),
  };
}

/** @throws SeamlessError INVALID_OPTIONS */
export function requireSignal(signal: unknown, method: string): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw invalidOption(`signal must be an AbortSignal, not ${show(signal)}`, method);
}

/** A counter as the wire carries it. @throws SeamlessError INVALID_OPTIONS */
export function requireUint64(option: string, value: unknown, method: string): bigint {
  const counter = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof counter === "bigint" && counter >= 0n && counter <= MAX_UINT64) return counter;
  throw invalidOption(`${option} must be a whole number of at least 0, not ${show(value)}`, method);
}
