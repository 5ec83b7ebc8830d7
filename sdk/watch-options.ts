import type { ServiceState, WatchPosition } from "@seamless/proto";
import { type CallOptions, requireSignal, requireUint64 } from "./call-options.js";
import type { SeamlessError } from "./errors.js";
import { invalidOption, requireText, type Settings, show } from "./options.js";

/** Options of `watch`. */
export interface WatchOptions extends Pick<CallOptions, "service" | "signal"> {
  /**
   * Start after this state, which was seen before, instead of with the present one. Default: start with the
   * present state.
   */
  readonly after?: WatchAfter;
  /**
   * Called when the watch is about to connect again, with what went wrong and the number of failures in a row.
   * Default: nothing is called.
   */
  readonly onReconnect?: (error: SeamlessError, attempt: number) => void;
}

/** Options of `watchDeploy`. */
export type WatchDeployOptions = Omit<WatchOptions, "after">;

/** Options of `watchFleet`. */
export type WatchFleetOptions = Omit<WatchOptions, "after" | "service">;

/** A point in a service's history. A {@link ServiceState} is one; so is its revision alone. */
export interface WatchAfter {
  /** `revision` of the last state seen. */
  readonly revision: bigint | number;
  /** `sequence` of the last state seen. Default: 0, which means that only its revision is known. */
  readonly sequence?: bigint | number;
  /** `instanceId` of the last state seen. Default: empty, which is not checked. */
  readonly instanceId?: string;
}

/** {@link WatchOptions} that were found to be right, with the client's defaults filled in. */
export interface WatchSettings {
  readonly service: string;
  readonly signal: AbortSignal | undefined;
  readonly after: WatchPosition | undefined;
  readonly onReconnect: ((error: SeamlessError, attempt: number) => void) | undefined;
}

/** @throws SeamlessError INVALID_OPTIONS naming the option */
export function resolveWatchOptions(options: WatchOptions, defaults: Settings): WatchSettings {
  const { onReconnect } = options;
  if (onReconnect !== undefined && typeof onReconnect !== "function") {
    throw invalidOption(`onReconnect must be a function, not ${show(onReconnect)}`, "watch");
  }
  return {
    service: requireText("service", options.service ?? defaults.service, "watch"),
    signal: requireSignal(options.signal, "watch"),
    after: options.after && toPosition(options.after),
    onReconnect,
  };
}

/** Whether the state comes after the position, or belongs to another history. */
export function isNews(state: ServiceState, position: WatchPosition | undefined): boolean {
  if (position?.instanceId !== state.instanceId) return true;
  return state.sequence > position.sequence;
}

/** The position of a state, or of a caller's `after`. */
export function toPosition({ revision, sequence = 0n, instanceId = "" }: WatchAfter): WatchPosition {
  return {
    revision: requireUint64("after.revision", revision, "watch"),
    sequence: requireUint64("after.sequence", sequence, "watch"),
    instanceId: requireText("after.instanceId", instanceId, "watch"),
  };
}
