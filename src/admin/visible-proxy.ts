import type { Management, ProxyInfo } from "../control/management.js";
import { sumTotals } from "../control/sum-totals.js";
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
  const totals = services.map((name) => {
    const { openConnections, acceptedConnections, ledger } = management.service(name).state();
    return { ...ledger, openConnections, acceptedConnections };
  });
  return { ...info, services, ...sumTotals(totals), predecessor: undefined };
}
