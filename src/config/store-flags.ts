import { InvalidArgumentError, type Option } from "commander";
import { ProxyError } from "../errors.js";
import { parseStoreUrl, type StoreUrl } from "../fleet/store-url.js";
import { durationFlag, flag, understood } from "./flag.js";

/** What the command line and the configuration file may say of a store that is shared with other proxies. */
export interface StoreFlags {
  readonly store?: StoreUrl;
  readonly storeTlsCa?: string;
  readonly storeTlsCert?: string;
  readonly storeTlsKey?: string;
  readonly storeLogin?: string;
  readonly proxyName?: string;
  readonly proxyLease: number;
}

/** Where the lists are shared. */
export interface StoreConfig {
  readonly url: StoreUrl;
  /** Paths of PEM files; undefined: no TLS. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
  /** Path of a file with `user:password`. */
  readonly login: string | undefined;
  readonly leaseSeconds: number;
}

/** etcd itself makes short leases longer than this. */
const LEAST_LEASE_MS = 2_000;
const MOST_LEASE_MS = 600_000;
const MAX_NAME = 128;

export function storeFlags(): readonly Option[] {
  return [
    flag("--store <url>", "share the lists with other proxies: etcd://host:port,host:port/prefix").argParser(
      (text) => understood(() => parseStoreUrl(text)),
    ),
    flag("--store-tls-ca <file>", "the store speaks TLS; its authority (PEM)"),
    flag("--store-tls-cert <file>", "our certificate for the store (PEM)"),
    flag("--store-tls-key <file>", "its key"),
    flag("--store-login <file>", "a file with user:password for the store"),
    flag("--proxy-name <name>", "what this proxy is called in the fleet (host name and port)").argParser(
      parseName,
    ),
    durationFlag("--proxy-lease <time>", "after which a silent proxy is not waited for any more", 5_000),
  ];
}

/** @throws ProxyError INVALID_ARGUMENT for what does not make sense together */
export function toStoreConfig(flags: StoreFlags): StoreConfig | undefined {
  const { store: url, storeTlsCa: ca, storeTlsCert: cert, storeTlsKey: key, storeLogin: login } = flags;
  const files = Object.entries({ ca, cert, key }).filter(([, path]) => path !== undefined);
  if (!url) return undefined;
  const tls: StoreConfig["tls"] = files.length > 0 ? Object.fromEntries(files) : undefined;
  return { url, tls, login, leaseSeconds: toLeaseSeconds(flags) };
}

function toLeaseSeconds({ proxyLease }: StoreFlags): number {
  if (proxyLease >= LEAST_LEASE_MS && proxyLease <= MOST_LEASE_MS) return Math.ceil(proxyLease / 1_000);
  throw invalid(`--proxy-lease must be between ${LEAST_LEASE_MS / 1_000}s and ${MOST_LEASE_MS / 60_000}m`);
}

function parseName(text: string): string {
  if (text.length <= MAX_NAME && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new InvalidArgumentError(`Expected at most ${MAX_NAME} printable characters without spaces.`);
}

const invalid = (what: string): ProxyError => new ProxyError("INVALID_ARGUMENT", what);
