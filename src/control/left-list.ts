import { setTimeout } from "node:timers";
import { ProxyError } from "../errors.js";
import { servedBy } from "./asked-list.js";
import type { Fleet } from "./fleet.js";

/** What became of the list that the fleet has of a service that was deleted here. */
export interface LeftList {
  /** It is not in the store any more. */
  readonly removed: boolean;
  /** Names of the other live proxies that serve it. */
  readonly servedBy: readonly string[];
}

/** For proxies that have just dropped the service to say so. */
const LEAVE_MS = 1_000;

/**
 * Whether the list can be taken out of the store once it is not served here. A proxy that serves it without being known
 * to live, as it is cut off, would put it back.
 * @throws ProxyError LIST_IN_USE, STORE_UNAVAILABLE, SERVICE_NOT_FOUND if there is no such list
 */
export async function requireRemovable(fleet: Fleet, service: string): Promise<void> {
  const { service: list } = await fleet.copyOf(service).latest();
  // Who lives, and has what, is known only while the store is followed.
  if (!fleet.store.available)
    throw new ProxyError(
      "STORE_UNAVAILABLE",
      "the store is not followed now, so that it is not known who serves the list",
    );
  if (!list)
    throw new ProxyError(
      "SERVICE_NOT_FOUND",
      `there is no service '${service}' here, and no list of it in the store`,
    );
  const others = await stillServedBy(fleet, service);
  if (others.length === 0) return;
  throw new ProxyError(
    "LIST_IN_USE",
    `the list of '${service}' is served by ${others.join(", ")}, too, so that it can't be removed from the store`,
    { details: { service } },
  );
}

/**
 * Takes the list out of the store, unless another proxy has begun to serve it meanwhile.
 * @throws ProxyError STORE_UNAVAILABLE, STORE_FAILED
 */
export async function removeList(fleet: Fleet, service: string): Promise<LeftList> {
  return remove(fleet, service).catch((error: unknown) => {
    if (!(error instanceof ProxyError)) throw error;
    const message = `the service is deleted, but its list may be left, which the same again removes: ${error.message}`;
    throw new ProxyError(error.code, message, {
      details: { ...error.details, outcome: "unknown" },
      cause: error,
    });
  });
}

async function remove(fleet: Fleet, service: string): Promise<LeftList> {
  const copy = fleet.copyOf(service);
  for (;;) {
    const { version } = await copy.latest();
    const others = servedBy(fleet, service);
    if (others.length > 0 || !version.exists) return { removed: !version.exists, servedBy: others };
    if (await copy.remove(version)) return { removed: true, servedBy: [] };
  }
}

function stillServedBy(fleet: Fleet, service: string): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const end = (): void => {
      stop();
      clearTimeout(timer);
      resolve(servedBy(fleet, service));
    };
    const timer = setTimeout(end, LEAVE_MS);
    const look = (): void => {
      if (servedBy(fleet, service).length === 0) end();
    };
    const stop = fleet.onChange(look);
    look();
  });
}
