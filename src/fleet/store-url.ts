import { ProxyError } from "../errors.js";
import { formatAddress, parseAddress } from "../address.js";

/** Where a shared store is. */
export interface StoreUrl {
  readonly endpoints: readonly { readonly host: string; readonly port: number }[];
  /** Of all keys; begins and ends with a slash. */
  readonly prefix: string;
}

const SCHEME = "etcd://";
const DEFAULT_PREFIX = "/seamless";
const PREFIX = /^(\/[A-Za-z0-9._-]+)+$/;

/** `etcd://host:port,host:port/prefix`. @throws ProxyError INVALID_ARGUMENT */
export function parseStoreUrl(text: string): StoreUrl {
  if (!text.startsWith(SCHEME)) throw invalid(text, "it does not begin with etcd://");
  const [, hosts = "", path = ""] = /^([^/]*)(\/.*)?$/.exec(text.slice(SCHEME.length)) ?? [];
  const prefix = path === "" || path === "/" ? DEFAULT_PREFIX : path.replace(/\/$/, "");
  if (!PREFIX.test(prefix))
    throw invalid(
      text,
      `the prefix ${prefix} is not made of letters, digits, '.', '_' and '-' between slashes`,
    );
  const endpoints = hosts.split(",").map((host) => {
    try {
      const { host: name, port } = parseAddress(host);
      return { host: name, port };
    } catch (error) {
      throw invalid(text, error instanceof Error ? error.message : String(error));
    }
  });
  return { endpoints, prefix: `${prefix}/` };
}

export function formatStoreUrl({ endpoints, prefix }: StoreUrl): string {
  return `${SCHEME}${endpoints.map(formatAddress).join(",")}${prefix.slice(0, -1)}`;
}

const invalid = (text: string, why: string): ProxyError =>
  new ProxyError(
    "INVALID_ARGUMENT",
    `'${text}' is not a store: ${why} (expected etcd://host:port,host:port/prefix)`,
  );
