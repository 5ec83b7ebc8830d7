import { requireAsAsked } from "./asked-list.js";
import { parseBackends, setBackends } from "./backend-list.js";
import type { Fleet } from "./fleet.js";
import { NO_LEDGER } from "./ledger.js";
import type { BackendRequest } from "./management.js";
import type { ServiceConfig } from "./service-config.js";
import {
  newRecord,
  nextSequences,
  resumeRecord,
  type ServiceDefinition,
  type ServiceRecord,
} from "./service-record.js";
import { joinShared, UNSEEN, type Version } from "./shared-service.js";

/** A service to be opened. */
export interface ServiceOpening extends ServiceDefinition {
  readonly name: string;
  /** What it is to begin with: a list, or what was saved. */
  readonly start: { readonly backends: readonly BackendRequest[] } | { readonly saved: ServiceRecord };
  /** What the configuration says of it; undefined: a request has asked for it, and one can delete it. */
  readonly configured: ServiceConfig | undefined;
}

export interface BegunRecord {
  readonly record: ServiceRecord;
  /** Of a list that is shared. */
  readonly shared?: { readonly fleet: Fleet; readonly version: Version };
  /** The fleet had a list of that name, which it is. */
  readonly joined: boolean;
  /** Takes out of the store what was put there, if the service can't be opened after all. */
  readonly abandon: () => Promise<unknown>;
}

/**
 * What a service begins with. Where the list is shared, what the store has wins over what was saved here and over the
 * configuration; while the store can't be reached, what was saved here has to do. A request is refused then, and if it
 * asks for another list than the store has.
 * @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT, STORE_UNAVAILABLE, LIST_EXISTS
 */
export async function beginRecord(
  opening: ServiceOpening,
  instanceId: string,
  fleet: Fleet | undefined,
): Promise<BegunRecord> {
  const own = recordOf(opening, instanceId, fleet !== undefined);
  const alone = { record: own, joined: false, abandon: () => Promise.resolve() };
  if (!fleet) return alone;
  const isRequest = opening.configured === undefined && "backends" in opening.start;
  if (!fleet.store.available && !isRequest) return { ...alone, shared: { fleet, version: UNSEEN } };
  const copy = fleet.copyOf(own.name);
  const { record, version, wasThere } = await joinShared(copy, own, (there) => {
    if (isRequest) requireAsAsked(own, there, fleet);
  });
  const abandon = (): Promise<unknown> => (wasThere ? Promise.resolve() : copy.remove(version));
  return { record, shared: { fleet, version }, joined: wasThere, abandon };
}

/** A canary that was cut short is undone by the fleet, if there is one, and by the next process otherwise. */
function recordOf(
  { name, listen, settings, start, configured }: ServiceOpening,
  instanceId: string,
  inFleet: boolean,
): ServiceRecord {
  const definition = configured ? undefined : { listen, settings };
  if ("saved" in start) {
    const resumed = inFleet ? nextSequences(start.saved) : resumeRecord(start.saved, Date.now(), NO_LEDGER);
    return { ...resumed, definition };
  }
  const { healthCheck } = settings;
  const list = start.backends.length === 0 ? [] : setBackends([], parseBackends(start.backends));
  return newRecord({ name, instanceId, healthCheck, definition }, list, Date.now());
}
