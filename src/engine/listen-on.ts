import { formatAddress } from "../address.js";
import { errnoOf } from "../errno.js";
import { listenError } from "../listen-error.js";
import type { Endpoint } from "./engine.js";

/**
 * Opens a listening socket; host "" is all interfaces of both families, or of IPv4 where there is no IPv6.
 *
 * @throws ProxyError LISTEN_FAILED
 */
export async function listenOn<T>(
  { host, port }: Endpoint,
  open: (endpoint: Endpoint) => T | Promise<T>,
): Promise<T> {
  try {
    return await open({ host: host === "" ? "::" : host, port });
  } catch (error) {
    const noIpv6 = host === "" && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(errnoOf(error) ?? "");
    if (noIpv6) return listenOn({ host: "0.0.0.0", port }, open);
    throw listenError(host === "" ? `port ${port}` : formatAddress({ host, port }), error);
  }
}
