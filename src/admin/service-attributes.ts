import type { Management } from "../control/management.js";
import type { Verb } from "./access/principal.js";
import type { SpanAttributes } from "./tracer.js";

/**
 * What a span says of the service that a call is about, and after a change of its revision. A service that there is not is
 * not named, since its name is the client's own text.
 */
export function serviceAttributes(
  management: Pick<Management, "revisionOf">,
  service: string | undefined,
  verb: Verb = "read",
): SpanAttributes {
  const revision = service === undefined ? undefined : management.revisionOf(service);
  if (service === undefined || revision === undefined) return {};
  return { "seamless.service": service, ...(verb !== "read" && { "seamless.revision": revision }) };
}
