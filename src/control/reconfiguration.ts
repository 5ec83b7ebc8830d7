import { isDeepStrictEqual } from "node:util";
import { planReload } from "./reload-steps.js";
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
 * beforehand: every list that is new is checked, and what fails up to the first change is undone. `reload-steps.ts` has the order.
 */
export async function followConfiguration(
  present: ReadonlyMap<string, ServiceConfig>,
  next: readonly ServiceConfig[],
  { check, open, undo, change, drop }: ReconfigurationSteps,
): Promise<void> {
  const steps = planReload(present, next);
  await check(
    next.filter((service) => !isDeepStrictEqual(present.get(service.name)?.backends, service.backends)),
  );
  const opened: string[] = [];
  let canUndo = true;
  try {
    for (const step of steps) {
      if (step.do !== "open") canUndo = false;
      if (step.do === "open") {
        await open(step.after);
        opened.push(step.after.name);
      } else if (step.do === "change") await change(step.before, step.after);
      else await drop(step.before.name);
    }
  } catch (error) {
    if (canUndo) for (const name of opened) await undo(name);
    throw error;
  }
}
