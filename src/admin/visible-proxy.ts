import type { Management, ProxyInfo } from "../control/management.js";
import type { ServiceState } from "../control/service-state.js";
import { isVisible } from "./access/access.js";
import type { Principal } from "./access/principal.js";

/**
 * The proxy as it is for whoever asks. Who may see some services only is told their totals: by those of all services he
 * would see how busy the others are. How many connections a process that was replaced has left is not known per service.
 */
export function visibleProxy(management: Management, principal: Pick<Principal, "services">): ProxyInfo {
  const info = management.proxyInfo();
  if (principal.services === undefined) return info;
  const services = info.services.filter((name) => isVisible(principal, name));
  const states = services.map((name) => management.service(name).state());
  const sum = (count: (state: ServiceState) => number): number =>
    states.reduce((total, state) => total + count(state), 0);
  return {
    ...info,
    services,
    openConnections: sum(({ openConnections }) => openConnections),
    acceptedConnections: sum(({ acceptedConnections }) => acceptedConnections),
    refusedConnections: sum(({ ledger }) => ledger.refusedByLimit),
    unservedConnections: sum(({ ledger }) => ledger.connectFailed + ledger.holdExpired),
    predecessor: undefined,
  };
}
