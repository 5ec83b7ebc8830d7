import { canonicalIp, withoutZone } from "../address.js";
import type { Route } from "../proxy-header.js";
import type { ClientConnection } from "./engine.js";

/**
 * The connection that an engine has accepted as its so-manieth, for the log.
 * @param source who the client is, in any spelling; undefined: not known
 */
export function clientConnection(
  idPrefix: string,
  number: number,
  source: Route["source"] | undefined,
): ClientConnection {
  return {
    id: `${idPrefix}-${number}`,
    client: source && { host: canonicalIp(withoutZone(source.address)), port: source.port },
  };
}
