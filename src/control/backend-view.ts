import type { Listener } from "../engine/engine.js";
import type { ListedBackend } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import type { Drain } from "./drain.js";
import type { HealthMonitor } from "./health-monitor.js";
import type { Router } from "./router.js";
import type { BackendStatus, BackendView } from "./service-state.js";

/** Where the facts about a backend come from. */
export interface BackendSources {
  readonly listener: Listener;
  readonly router: Router;
  readonly resolution: BackendResolution;
  readonly monitor: HealthMonitor;
}

export function viewListed(backend: ListedBackend, sources: BackendSources): BackendView {
  const { listener, router, resolution, monitor } = sources;
  const { id, weight } = backend;
  const resolvedAddresses = resolution.addresses(backend);
  const ejection = router.ejection(id);
  const health = monitor.health(id);
  return {
    address: id,
    weight,
    status: statusOf(resolvedAddresses.length > 0, monitor.isUnhealthy(id), ejection !== undefined),
    resolvedAddresses,
    error: ejection ?? (resolution.error(backend) || (health?.error ?? "")),
    counters: listener.counters(id),
    health,
  };
}

export function viewDraining(drain: Drain, { listener }: BackendSources): BackendView {
  return {
    address: drain.id,
    weight: drain.weight,
    status: "draining",
    resolvedAddresses: [],
    error: "",
    counters: listener.counters(drain.id),
    health: undefined,
    drain: { drain, oldestUnixMs: listener.oldestConnection(drain.id) },
  };
}

function statusOf(resolved: boolean, unhealthy: boolean, ejected: boolean): BackendStatus {
  if (!resolved) return "unresolved";
  if (unhealthy) return "unhealthy";
  return ejected ? "ejected" : "active";
}
