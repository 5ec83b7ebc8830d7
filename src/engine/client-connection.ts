import { canonicalIp, withoutZone } from "../address.js";
import type { Route } from "../proxy-header.js";
import type { ClientConnection, Endpoint } from "./engine.js";

/**
 * The connection that an engine has accepted as its so-manieth, for the log.
 * @param source who the client is, in any spelling; undefined: not known
 */
export function clientConnection(
  idPrefix: string,
  number: number,
  source: Route["source"] | undefined,
): ClientConnection {
  return { id: `${idPrefix}-${number}`, client: endpointOf(source) };
}

/** @param end in any spelling; undefined: not known */
export function endpointOf(end: Route["source"] | undefined): Endpoint | undefined {
  return end && { host: canonicalIp(withoutZone(end.address)), port: end.port };
}
