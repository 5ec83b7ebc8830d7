import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { StoreConfig } from "../config/store-flags.js";
import type { FleetSelf } from "../control/fleet.js";
import { errnoOf } from "../errno.js";
import { ProxyError } from "../errors.js";
import { createEtcdClient } from "../etcd/create-etcd-client.js";
import type { EtcdLogin, EtcdTls } from "../etcd/etcd-options.js";
import type { Logger } from "../logger.js";
import { EtcdFleet, tellUnreachable } from "./etcd-fleet.js";
import { formatStoreUrl } from "./store-url.js";

export interface OpeningFleet {
  readonly store: StoreConfig;
  readonly self: FleetSelf;
  /** Whether there is a copy of every list to start from. */
  readonly hasCopy: boolean;
  readonly logger: Logger;
}

/** For the store to answer before a proxy starts without it. */
const REACH_MS = 5_000;

/**
 * Joins the fleet. If the store can't be reached it goes by the copy that was saved here last; a proxy that has none does
 * not start, since the list of its command line may be long out of date.
 * @throws ProxyError STORE_UNAVAILABLE, CONFIG_INVALID
 */
export async function openFleet({ store, self, hasCopy, logger }: OpeningFleet): Promise<EtcdFleet> {
  const { url, leaseSeconds } = store;
  const [tls, login] = [await readTls(store), await readLogin(store.login)];
  const client = createEtcdClient({ endpoints: url.endpoints, tls, login });
  const fleet = new EtcdFleet({ client, prefix: url.prefix, leaseSeconds, self, logger });
  if (await fleet.reached(REACH_MS)) return fleet;
  const { error } = fleet.store;
  if (hasCopy) {
    tellUnreachable(logger, error);
    return fleet;
  }
  await fleet.close();
  throw new ProxyError(
    "STORE_UNAVAILABLE",
    `the store ${formatStoreUrl(url)} can't be reached (${error}), and there is no copy of its lists here to start from ` +
      "(--state FILE keeps one)",
  );
}

async function readTls({ tls }: StoreConfig): Promise<EtcdTls | undefined> {
  if (!tls) return undefined;
  const files = Object.entries(tls).map(async ([part, path]) => [part, await read(path)] as const);
  const found: EtcdTls = Object.fromEntries(await Promise.all(files));
  try {
    requireUsable(found);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ProxyError(
      "CONFIG_INVALID",
      `${Object.values(tls).join(", ")} can't be used for TLS: ${reason}`,
    );
  }
  return found;
}

/** What OpenSSL finds out only in the handshake, or not at all, as with an authority that is no certificate. */
function requireUsable({ ca, cert, key }: EtcdTls): void {
  createSecureContext({ ca, cert, key });
  if (ca) new X509Certificate(ca);
  if (cert && key && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error("the key is not that of the certificate");
}

async function readLogin(path: string | undefined): Promise<EtcdLogin | undefined> {
  if (path === undefined) return undefined;
  await requirePrivate(path);
  const [, user, password] = /^([^:\n]+):([^\n]+)\n?$/.exec((await read(path)).toString()) ?? [];
  if (user !== undefined && password !== undefined) return { user, password };
  throw new ProxyError("CONFIG_INVALID", `${path} is not one line with user:password`);
}

/** Whoever can read it can change every list, and whoever can write it can have us log in as someone else. */
async function requirePrivate(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => cantRead(path, error));
  if (found.isDirectory()) isDirectory(path);
  if ((found.mode & 0o077) !== 0)
    throw new ProxyError("CONFIG_INVALID", `${path} has a password, and others may read it: chmod 600 it`);
}

async function read(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => cantRead(path, error));
}

function cantRead(path: string, cause: unknown): never {
  if (errnoOf(cause) === "EISDIR") isDirectory(path);
  throw new ProxyError("CONFIG_INVALID", `${path} can't be read: ${errnoOf(cause) ?? "failed"}`, { cause });
}

function isDirectory(path: string): never {
  throw new ProxyError("CONFIG_INVALID", `${path} is a directory, and a file is needed`);
}
