import { channel } from "node:diagnostics_channel";
import type { Logger } from "./logger.js";

/** For code that is loaded into the process (`node --import`); docs/logs.md says what comes. */
const lifeCycle = channel("seamless.life-cycle");

export interface LifeCycleEvent extends Readonly<Record<string, unknown>> {
  readonly event: string;
}

/** Logs a step of the process's life, and publishes the same facts. */
export function tellLifeCycle(logger: Logger, facts: LifeCycleEvent, message: string): void {
  lifeCycle.publish(facts);
  logger.info(facts, message);
}
