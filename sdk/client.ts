import type { ServiceState } from "@seamless/proto";
import type { BackendInput } from "./backend-input.js";
import type { CallContext } from "./call-context.js";
import type { CallOptions, ChangeOptions } from "./call-options.js";
import { add, get, remove, set } from "./calls.js";
import { createLink, DEFAULT_LINK_TIMING, type LinkTiming } from "./link.js";
import type { Settings } from "./options.js";
import type { ChangeResult, GetResponse } from "./results.js";
import { createScopes } from "./scopes.js";
import { watchStates } from "./watch.js";
import { resolveWatchOptions, type WatchOptions } from "./watch-options.js";

/**
 * Manages one proxy over one connection, which is opened by the first call and again when it broke.
 *
 * All methods reject with {@link SeamlessError}. Any can be `UNAVAILABLE`, `DEADLINE_EXCEEDED`, `CANCELLED`,
 * `SERVICE_NOT_FOUND`, `INTERNAL`, `UNKNOWN` or `INVALID_OPTIONS`; those of its own are said with each.
 */
export interface SeamlessClient {
  /** The present state. Tried again while no proxy answers. */
  get(options?: CallOptions): Promise<GetResponse>;
  /**
   * Replaces the whole list, at once. An address given twice counts as one with the weights added. New connections
   * go to the new list once this has resolved; open ones stay.
   *
   * Like the other changes it is tried again only as long as it surely was not sent. If the connection breaks
   * later, the error's `details.outcome` is `unknown`; changes are idempotent, so asking again does no harm.
   *
   * Own errors: `INVALID_ADDRESS`, `INVALID_ARGUMENT` (empty list, weight), `FORBIDDEN_BACKEND`,
   * `REVISION_MISMATCH`, `LIMIT_EXCEEDED`, `SHUTTING_DOWN`.
   */
  set(backends: readonly BackendInput[], options?: ChangeOptions): Promise<ChangeResult>;
  /**
   * Adds backends. One that is in the list already stays as it is, except for a weight that is given; one that is
   * draining comes back. Own errors: as for {@link SeamlessClient.set}.
   */
  add(backends: readonly BackendInput[], options?: ChangeOptions): Promise<ChangeResult>;
  /**
   * Takes backends out of the list: all of them, or none. Their open connections stay; a backend is shown as
   * draining until the last has ended.
   *
   * Own errors: `BACKEND_NOT_FOUND` (`details.address`), `INVALID_ADDRESS`, `INVALID_ARGUMENT` (none given),
   * `REVISION_MISMATCH`, `SHUTTING_DOWN`.
   */
  remove(addresses: readonly string[], options?: ChangeOptions): Promise<ChangeResult>;
  /**
   * The present state (or, with `after`, what came after it), then each state that follows: list, weights,
   * resolution, ejection, drain progress. Each comes once, `sequence` rising as long as `instanceId` stays the same.
   * A reader that is slow skips states between revisions rather than lag behind.
   *
   * When the connection breaks or the proxy restarts it connects again, as long as it takes, and goes on after the
   * last state. Only if the first connection fails as often as `retry.attempts` allows does it throw that error.
   * Leaving the loop ends the watch; so do aborting `signal` and closing the client, which throw `CANCELLED`.
   *
   * Own errors: `LIMIT_EXCEEDED` (too many watches).
   *
   * @throws {@link SeamlessError} `INVALID_OPTIONS`, at once
   */
  watch(options?: WatchOptions): AsyncIterable<ServiceState>;
  /** Ends what is still under way with `CANCELLED`, and the connection. Can be called again. */
  close(): void;
  /** The same as {@link SeamlessClient.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client from settings that were checked. */
export function createClient(settings: Settings, timing: LinkTiming = DEFAULT_LINK_TIMING): SeamlessClient {
  const context: CallContext = {
    link: createLink(settings.target, timing),
    scopes: createScopes(),
    settings,
    random: Math.random,
  };
  const close = (): void => {
    context.scopes.close();
    context.link.close();
  };
  return {
    get: (options = {}) => get(context, options),
    set: (backends, options = {}) => set(context, backends, options),
    add: (backends, options = {}) => add(context, backends, options),
    remove: (addresses, options = {}) => remove(context, addresses, options),
    watch: (options = {}) => watchStates(context, resolveWatchOptions(options, settings)),
    close,
    [Symbol.asyncDispose]() {
      close();
      return Promise.resolve();
    },
  };
}
