import { isDeepStrictEqual } from "node:util";
import type { Listener } from "../engine/engine.js";
import { sameHealthCheck } from "./health-check.js";
import type { HealthMonitor } from "./health-monitor.js";
import type { ListChanger } from "./list-changer.js";
import { DEFAULT_PACE_PER_SECOND } from "./pause.js";
import type { Router } from "./router.js";
import type { PauseRecord, ServiceRecord } from "./service-record.js";

export interface FollowingParts {
  readonly listener: Listener;
  readonly monitor: HealthMonitor;
  readonly router: Router;
  readonly changer: ListChanger;
}

/** Carries out here what another proxy of the fleet has changed: checks, pause and list. */
export async function followRecord(
  { listener, monitor, router, changer }: FollowingParts,
  before: ServiceRecord,
  after: ServiceRecord,
): Promise<void> {
  if (!sameHealthCheck(before.healthCheck, after.healthCheck)) {
    monitor.setCheck(after.healthCheck);
    router.reroute();
  }
  if (!isDeepStrictEqual(before.pause, after.pause)) holdAs(listener, after.pause);
  await changer.follow(before, after);
}

function holdAs(listener: Listener, pause: PauseRecord | undefined): void {
  if (pause) listener.pause({ holdMs: pause.holdLimitMs, maxHeld: pause.maxHeld });
  else listener.resume(DEFAULT_PACE_PER_SECOND);
}
