import { BlockList, isIPv6 } from "node:net";
import { canonicalIp, formatAddress } from "../address.js";
import type { Endpoint } from "../engine/engine.js";

/**
 * Where a proxy must never connect to: its own ports (a loop that ends it in seconds, or its management made
 * public on the data port) and addresses that are nobody's server or a cloud's metadata service.
 */
export interface DestinationPolicy {
  /** Why a backend may not be there; undefined if it may. `host` is an IP address. */
  refuse(endpoint: Endpoint): string | undefined;
}

const NOBODYS_SERVER: readonly (readonly [subnet: string, prefix: number, what: string])[] = [
  ["0.0.0.0", 8, "the unspecified address"],
  ["169.254.0.0", 16, "a link-local address (cloud metadata services live there)"],
  ["224.0.0.0", 4, "a multicast address"],
  ["255.255.255.255", 32, "the broadcast address"],
  ["::", 128, "the unspecified address"],
  ["fe80::", 10, "a link-local address"],
  ["ff00::", 8, "a multicast address"],
  // Translated (RFC 6052) and 6to4 forms of IPv4 would go around the rules above.
  ["64:ff9b::", 96, "an IPv4 address in disguise"],
  ["2002::", 16, "an IPv4 address in disguise"],
];

const denied = NOBODYS_SERVER.map(([subnet, prefix, what]) => {
  const list = new BlockList();
  list.addSubnet(subnet, prefix, isIPv6(subnet) ? "ipv6" : "ipv4");
  return { list, what };
});
const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

const contains = (list: BlockList, ip: string): boolean => list.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");

export interface DestinationPolicyOptions {
  /** Where the proxy itself listens, management included; host "" means all interfaces. */
  readonly ownEndpoints: () => readonly Endpoint[];
  /** The addresses of this machine's interfaces. */
  readonly localAddresses: () => readonly string[];
}

export function createDestinationPolicy({
  ownEndpoints,
  localAddresses,
}: DestinationPolicyOptions): DestinationPolicy {
  const isOwn = (ip: string, own: Endpoint): boolean => {
    const host = own.host === "" ? "::" : canonicalIp(own.host);
    if (host === ip) return true;
    const wildcard = host === "::" || host === "0.0.0.0";
    return wildcard && (contains(loopback, ip) || localAddresses().map(canonicalIp).includes(ip));
  };
  return {
    refuse(endpoint) {
      const ip = canonicalIp(endpoint.host);
      const rule = denied.find(({ list }) => contains(list, ip));
      if (rule) return `${ip} is ${rule.what}`;
      const own = ownEndpoints().some(
        (candidate) => candidate.port === endpoint.port && isOwn(ip, candidate),
      );
      return own ? `${formatAddress({ host: ip, port: endpoint.port })} is this proxy itself` : undefined;
    },
  };
}
