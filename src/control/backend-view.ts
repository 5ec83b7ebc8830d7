import type { Listener } from "../engine/engine.js";
import type { ListedBackend } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import { viewDrain, type Drain } from "./drains.js";
import type { Router } from "./router.js";
import type { BackendView } from "./service-state.js";

/** Where the facts about a backend come from. */
export interface BackendSources {
  readonly listener: Listener;
  readonly router: Router;
  readonly resolution: BackendResolution;
}

export function viewListed(
  backend: ListedBackend,
  { listener, router, resolution }: BackendSources,
): BackendView {
  const { id, weight } = backend;
  const resolvedAddresses = resolution.addresses(backend);
  const ejection = router.ejection(id);
  const status =
    resolvedAddresses.length === 0 ? "unresolved" : ejection === undefined ? "active" : "ejected";
  const error = ejection ?? resolution.error(backend);
  return { address: id, weight, status, resolvedAddresses, error, counters: listener.counters(id) };
}

export function viewDraining(id: string, drain: Drain, { listener }: BackendSources): BackendView {
  const counters = listener.counters(id);
  return {
    address: id,
    weight: drain.weight,
    status: "draining",
    resolvedAddresses: [],
    error: "",
    counters,
    drain: viewDrain(drain, counters.activeConnections),
  };
}
