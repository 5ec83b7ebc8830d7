import { isDeepStrictEqual } from "node:util";
import type { ServiceConfig } from "./service-config.js";

/** What following a configuration is made of. */
export interface ReconfigurationSteps {
  /** Refuses what can be refused beforehand. @throws ProxyError INVALID_ADDRESS, FORBIDDEN_BACKEND, ... */
  readonly check: (services: readonly ServiceConfig[]) => Promise<void>;
  /** @throws ProxyError LISTEN_FAILED, ... */
  readonly open: (service: ServiceConfig) => Promise<void>;
  /** Undoes `open`. */
  readonly undo: (name: string) => Promise<void>;
  readonly change: (before: ServiceConfig, after: ServiceConfig) => Promise<void>;
  readonly drop: (name: string) => Promise<void>;
}

/**
 * From one configuration to the next, so that a mistake in it leaves the present one alone as far as that can be known
 * beforehand. In this order: every list that is new is checked; new services are opened; those that are there are changed; those
 * that are gone are dropped; and only then those are opened that need an address of a dropped one. What fails up to the
 * first change is undone.
 */
export async function followConfiguration(
  present: ReadonlyMap<string, ServiceConfig>,
  next: readonly ServiceConfig[],
  { check, open, undo, change, drop }: ReconfigurationSteps,
): Promise<void> {
  const gone = [...present.values()].filter(({ name }) => next.every((service) => service.name !== name));
  const fresh = next.filter(({ name }) => !present.has(name));
  const needsPlaceOf = (service: ServiceConfig): boolean =>
    service.listen.some((address) =>
      gone.some(({ listen }) => listen.some((other) => isDeepStrictEqual(other, address))),
    );
  await check(
    next.filter((service) => !isDeepStrictEqual(present.get(service.name)?.backends, service.backends)),
  );
  const opened: string[] = [];
  try {
    for (const service of fresh.filter((each) => !needsPlaceOf(each))) {
      await open(service);
      opened.push(service.name);
    }
  } catch (error) {
    for (const name of opened) await undo(name);
    throw error;
  }
  for (const service of next) {
    const before = present.get(service.name);
    if (before && !opened.includes(service.name)) await change(before, service);
  }
  for (const { name } of gone) await drop(name);
  for (const service of fresh.filter(needsPlaceOf)) await open(service);
}
