import type {
  DeployStatus,
  DeployVerdict,
  DrainStatus,
  Fleet,
  HistoryEntry,
  ServiceState,
} from "@seamless/proto";
import type { BackendInput } from "./backend-input.js";
import type { CallContext } from "./call-context.js";
import type { CallOptions, ChangeOptions, GetOptions, PauseOptions, ResumeOptions } from "./call-options.js";
import {
  add,
  changeDrain,
  get,
  history,
  pause,
  remove,
  resume,
  rollback,
  set,
  setHealthCheck,
  setWeights,
  undrain,
} from "./calls.js";
import { deploy, watchDeploy } from "./deploy.js";
import type { DeployOptions } from "./deploy-options.js";
import type { DrainingChangeOptions, DrainLimits, RollbackOptions } from "./drain-limits.js";
import { waitForDrain, type WaitForDrainOptions } from "./drains.js";
import { fleet, watchFleet } from "./fleet.js";
import type { HealthCheckInput } from "./health-check-input.js";
import { createLink, DEFAULT_LINK_TIMING, type LinkTiming } from "./link.js";
import type { Settings } from "./options.js";
import type { ChangeResult, GetResponse } from "./results.js";
import { createScopes } from "./scopes.js";
import {
  createService,
  type CreatedService,
  deleteService,
  type DeletedService,
  type DeleteServiceOptions,
  listServices,
  upgrade,
  type NewService,
  type ServiceCallOptions,
  type Upgraded,
} from "./services.js";
import { watchStates } from "./watch.js";
import {
  resolveWatchOptions,
  type WatchDeployOptions,
  type WatchFleetOptions,
  type WatchOptions,
} from "./watch-options.js";

/**
 * Manages one proxy over one connection, which is opened by the first call and again when it broke.
 *
 * All methods reject with {@link SeamlessError}. Any can be `UNAVAILABLE`, `DEADLINE_EXCEEDED`, `CANCELLED`,
 * `SERVICE_NOT_FOUND`, `INTERNAL`, `UNKNOWN` or `INVALID_OPTIONS`; those of its own are said with each.
 */
export interface SeamlessClient {
  /**
   * The present state. Tried again while no proxy answers. Own errors: `STORE_UNAVAILABLE` (only with
   * `linearizable`), for which it is tried again, too.
   */
  get(options?: GetOptions): Promise<GetResponse>;
  /**
   * Replaces the whole list, at once. An address given twice counts as one with the weights added. New connections
   * go to the new list once this has resolved; open ones stay.
   *
   * Like the other changes it is tried again only as long as it surely was not sent. If the connection breaks
   * later, the error's `details.outcome` is `unknown`; changes are idempotent, so asking again does no harm.
   *
   * A proxy that can't reach the store it shares refuses every change with `STORE_UNAVAILABLE`. It is tried again,
   * unless `details.outcome` is `unknown`, which here, too, says that it may have been made.
   *
   * Own errors: `INVALID_ADDRESS`, `INVALID_ARGUMENT` (empty list, weight), `FORBIDDEN_BACKEND`,
   * `REVISION_MISMATCH`, `LIMIT_EXCEEDED`, `STORE_FAILED`, `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
   */
  set(backends: readonly BackendInput[], options?: DrainingChangeOptions): Promise<ChangeResult>;
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
   * `REVISION_MISMATCH`, `STORE_FAILED`, `STORE_UNAVAILABLE`, `SHUTTING_DOWN`.
   */
  remove(addresses: readonly string[], options?: DrainingChangeOptions): Promise<ChangeResult>;
  /**
   * Changes the weights of backends that are in the list: all of them, or none. Own errors: as for
   * {@link SeamlessClient.remove}.
   */
  setWeights(
    backends: readonly { readonly address: string; readonly weight: number }[],
    options?: ChangeOptions,
  ): Promise<ChangeResult>;
  /**
   * Switches to these backends once all of them are healthy, drains the old ones, and resolves with the verdict,
   * whatever it is: `outcome` says whether it switched, and `cut` how many connections were cut. It takes as long as
   * it takes, unless `timeoutMs` is given.
   *
   * Aborting `signal`, or closing the client, before the switch cancels the deploy, and nothing has changed; after
   * it, the deploy goes on without its caller. If the connection breaks, the deploy is followed over the next one.
   *
   * With `fleet` it switches and drains all proxies that share the store; `vanishedProxies` of the verdict names those
   * that were lost on the way, so that what is open there is not known.
   *
   * Own errors: as for {@link SeamlessClient.set}, and `DEPLOY_IN_PROGRESS`, `NO_FLEET`. `UNAVAILABLE` with
   * `details.outcome` `unknown`: the connection broke, and how the deploy ended can't be found out. It is not tried
   * again for `STORE_UNAVAILABLE`.
   *
   * @example
   * ```ts
   * const { outcome, cut } = await client.deploy(["localhost:4445"], { drain: { limitMs: 30_000 } });
   * if (outcome === DeployOutcome.SWITCHED && cut === 0n) stopTheOldServer();
   * ```
   */
  deploy(backends: readonly BackendInput[], options?: DeployOptions): Promise<DeployVerdict>;
  /**
   * How the present deploy is, or the last one was, and each change of that, up to the verdict. Reconnects like
   * {@link SeamlessClient.watch}. Own errors: `DEPLOY_NOT_FOUND`, `LIMIT_EXCEEDED`.
   */
  watchDeploy(options?: WatchDeployOptions): AsyncIterable<DeployStatus>;
  /**
   * Gives drains other limits, all of them counted from now; `limitMs` 0 cuts their connections. Own errors:
   * `DRAIN_NOT_FOUND` (then none is changed), `INVALID_ADDRESS`, `INVALID_ARGUMENT`.
   */
  changeDrain(
    addresses: readonly string[],
    limits: DrainLimits,
    options?: CallOptions,
  ): Promise<ServiceState>;
  /**
   * Takes draining backends back into the list, at its end, with the weights they had: all of them, or none. Own
   * errors: as for {@link SeamlessClient.set}, and `DRAIN_NOT_FOUND`.
   */
  undrain(addresses: readonly string[], options?: ChangeOptions): Promise<ChangeResult>;
  /**
   * Waits until drains have ended, and answers how; one that has ended lately answers at once. No addresses: all
   * that are under way. Reconnects like {@link SeamlessClient.watch}. Own errors: `DRAIN_NOT_FOUND`,
   * `INVALID_ADDRESS`, `LIMIT_EXCEEDED`.
   */
  waitForDrain(addresses: readonly string[], options?: WaitForDrainOptions): Promise<readonly DrainStatus[]>;
  /**
   * Holds new connections until {@link SeamlessClient.resume}. Own errors: `INVALID_ARGUMENT`, `STORE_FAILED`,
   * `STORE_UNAVAILABLE`.
   */
  pause(options?: PauseOptions): Promise<ChangeResult>;
  /** Lets held connections go, the longest held first. Own errors: `STORE_FAILED`, `STORE_UNAVAILABLE`. */
  resume(options?: ResumeOptions): Promise<ChangeResult>;
  /**
   * How backends are checked from now on; undefined: not at all. Own errors: `INVALID_ARGUMENT`, `STORE_FAILED`,
   * `STORE_UNAVAILABLE`.
   */
  setHealthCheck(check: HealthCheckInput | undefined, options?: CallOptions): Promise<ChangeResult>;
  /** The last changes of the list, the newest first. Tried again while no proxy answers. */
  history(options?: CallOptions): Promise<readonly HistoryEntry[]>;
  /**
   * Sets the list to what it was at an earlier revision. Own errors: as for {@link SeamlessClient.set}, and
   * `REVISION_NOT_FOUND`.
   */
  rollback(options?: RollbackOptions): Promise<ChangeResult>;
  /** All services of the proxy, sorted by name. Tried again while no proxy answers. */
  listServices(options?: ServiceCallOptions): Promise<readonly ServiceState[]>;
  /**
   * Opens another service, which lasts as the lists do. In a fleet that has a list of that name it goes by that list, and
   * `joinedList` is true. Own errors: as for {@link SeamlessClient.set}, and `SERVICE_EXISTS`, `LISTEN_FAILED`,
   * `LIST_EXISTS` (the fleet has a list of that name with other backends or checks than were asked for).
   */
  createService(name: string, service: NewService, options?: ServiceCallOptions): Promise<CreatedService>;
  /**
   * Ends a service that {@link SeamlessClient.createService} has made: it accepts no more, and its open connections end
   * in their own time. The list that a fleet has of it stays in the store unless `withList` is set. Own errors:
   * `SERVICE_CONFIGURED` (it is in the proxy's configuration), `STORE_FAILED`, `STORE_UNAVAILABLE`, `LIST_IN_USE`.
   */
  deleteService(name: string, options?: DeleteServiceOptions): Promise<DeletedService>;
  /**
   * Puts a new process of the proxy in the place of the present one, and resolves when it serves; nobody notices. Default
   * deadline: 75 s.
   * @throws SeamlessError UPGRADE_FAILED: the new process can't take over, and nothing has changed;
   * UPGRADE_IN_PROGRESS, DEPLOY_IN_PROGRESS
   */
  upgrade(options?: ServiceCallOptions): Promise<Upgraded>;
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
  /**
   * What every live proxy that shares the store tells of itself, as the proxy that is asked knows it, and whether that
   * one can reach the store. Tried again while no proxy answers. Own errors: `NO_FLEET`.
   */
  fleet(options?: ServiceCallOptions): Promise<Fleet>;
  /**
   * The same, now and after each change. Each value is the whole fleet; a reader that is slow gets the latest.
   * Reconnects like {@link SeamlessClient.watch}, and then begins with the present fleet, changed or not. Own errors:
   * `NO_FLEET`, `LIMIT_EXCEEDED`.
   *
   * @throws {@link SeamlessError} `INVALID_OPTIONS`, at once
   */
  watchFleet(options?: WatchFleetOptions): AsyncIterable<Fleet>;
  /** Ends what is still under way with `CANCELLED`, and the connection. Can be called again. */
  close(): void;
  /** The same as {@link SeamlessClient.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client from settings that were checked. */
export function createClient(settings: Settings, timing: LinkTiming = DEFAULT_LINK_TIMING): SeamlessClient {
  const context: CallContext = {
    link: createLink(settings, timing),
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
    setWeights: (backends, options = {}) => setWeights(context, backends, options),
    deploy: (backends, options = {}) => deploy(context, backends, options),
    watchDeploy(options = {}) {
      const { service, ...follow } = resolveWatchOptions(options, settings);
      return watchDeploy(context, service, follow);
    },
    changeDrain: (addresses, limits, options = {}) => changeDrain(context, addresses, limits, options),
    undrain: (addresses, options = {}) => undrain(context, addresses, options),
    waitForDrain: (addresses, options = {}) => waitForDrain(context, addresses, options),
    pause: (options = {}) => pause(context, options),
    resume: (options = {}) => resume(context, options),
    setHealthCheck: (check, options = {}) => setHealthCheck(context, check, options),
    history: (options = {}) => history(context, options),
    rollback: (options = {}) => rollback(context, options),
    listServices: (options = {}) => listServices(context, options),
    createService: (name, service, options = {}) => createService(context, name, service, options),
    deleteService: (name, options = {}) => deleteService(context, name, options),
    upgrade: (options = {}) => upgrade(context, options),
    watch: (options = {}) => watchStates(context, resolveWatchOptions(options, settings)),
    fleet: (options = {}) => fleet(context, options),
    watchFleet: (options = {}) => watchFleet(context, resolveWatchOptions(options, settings)),
    close,
    [Symbol.asyncDispose]() {
      close();
      return Promise.resolve();
    },
  };
}
