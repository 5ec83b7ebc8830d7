import { ProxyError } from "../errors.js";
import { formatBackend, sameList } from "./backend-list.js";
import type { Fleet } from "./fleet.js";
import { sameHealthCheck } from "./health-check.js";
import type { ServiceRecord } from "./service-record.js";
import type { SharedService } from "./shared-service.js";

const MOST_SHOWN = 5;

/**
 * A request for a service whose list the fleet has already joins that list. Whoever has asked for another one would get
 * something else than what he asked for, and is told so instead.
 * @param asked what the request would begin with; an empty list and no check ask for nothing
 * @throws ProxyError LIST_EXISTS
 */
export function requireAsAsked(asked: ServiceRecord, there: SharedService, fleet: Fleet): void {
  const differs = [
    ...(asked.list.length > 0 && !sameList(asked.list, there.list) ? ["backends"] : []),
    ...(asked.healthCheck && !sameHealthCheck(asked.healthCheck, there.healthCheck) ? ["health check"] : []),
  ];
  if (differs.length === 0) return;
  const { name } = asked;
  const served = servedBy(fleet, name).join(", ");
  throw new ProxyError(
    "LIST_EXISTS",
    `the fleet has a list of '${name}' already, with other ${differs.join(" and ")} than were asked for: ` +
      `${show(there)}, at revision ${there.revision}, ${served === "" ? "served by no live proxy" : `served by ${served}`}`,
    { details: { service: name, revision: String(there.revision) } },
  );
}

/** Names of the other live proxies that have the service. */
export function servedBy(fleet: Fleet, service: string): readonly string[] {
  const serves = fleet
    .members()
    .filter(({ id, services }) => id !== fleet.self && services.some((each) => each.service === service));
  return serves.map(({ name }) => name);
}

function show({ list, healthCheck }: SharedService): string {
  const shown = list.slice(0, MOST_SHOWN).map(formatBackend).join(", ");
  const more = list.length > MOST_SHOWN ? ` and ${list.length - MOST_SHOWN} more` : "";
  const check = healthCheck ? `a ${healthCheck.kind.type} check` : "no checks";
  return `${shown === "" ? "no backends" : `${shown}${more}`}, ${check}`;
}
