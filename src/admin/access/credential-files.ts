import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync, unwatchFile, watchFile } from "node:fs";
import { createSecureContext } from "node:tls";
import { ProxyError } from "../../errors.js";
import type { Logger } from "../../logger.js";
import { createAccess, type Access } from "./access.js";
import { TlsContext, type TlsFiles } from "./tls-context.js";
import { parseTokens, type TokenBook } from "./token-book.js";

/** Where the credentials of management are. */
export interface CredentialPaths {
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly tlsClientCa?: string | undefined;
  readonly tokens?: string | undefined;
}

/** What was read, and is read again when a file changes. */
export interface Credentials {
  readonly access: Access;
  readonly tls: TlsContext | undefined;
  /** Files that can't be used change nothing, and are told. */
  reload(): void;
  close(): void;
}

/** By looking, since mounted secrets are replaced in ways that no notification tells. */
const LOOK_INTERVAL_MS = 1_000;

/** @throws ProxyError CONFIG_INVALID naming the file */
export function requireUsable(paths: CredentialPaths): void {
  readTokens(paths);
  readTls(paths);
}

/** @throws ProxyError CONFIG_INVALID naming the file */
export function openCredentials(paths: CredentialPaths, logger: Logger): Credentials {
  let book = readTokens(paths);
  const files = readTls(paths);
  const tls = files && new TlsContext(files);
  const watched = Object.values(paths as Record<string, string | undefined>).filter(
    (path) => path !== undefined,
  );
  const reload = (): void => {
    if (watched.length === 0) return;
    try {
      const [nextBook, nextFiles] = [readTokens(paths), readTls(paths)];
      if (nextFiles) tls?.replace(nextFiles);
      book = nextBook;
      logger.info({ event: "credentials-reloaded" }, "certificates and tokens were read again");
    } catch (error) {
      const reason = (error as Error).message;
      logger.error({ event: "credentials-refused", reason }, "the old certificates and tokens stay");
    }
  };
  for (const path of watched)
    watchFile(path, { interval: LOOK_INTERVAL_MS, persistent: false }, (now, before) => {
      if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) reload();
    });
  return {
    access: createAccess(() => book),
    tls,
    reload,
    close: () => watched.forEach((path) => unwatchFile(path)),
  };
}

function readTokens({ tokens: path }: CredentialPaths): TokenBook | undefined {
  if (path === undefined) return undefined;
  const text = read(path);
  // Whoever can write to it can give himself every right.
  if ((statSync(path).mode & 0o022) !== 0)
    throw invalid(path, "others than its owner may write to it (chmod 600 it)");
  return parseTokens(text, path);
}

function readTls({ tlsCert, tlsKey, tlsClientCa }: CredentialPaths): TlsFiles | undefined {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const files = {
    cert: read(tlsCert),
    key: read(tlsKey),
    clientCa: tlsClientCa === undefined ? undefined : read(tlsClientCa),
  };
  try {
    createSecureContext({ cert: files.cert, key: files.key, ca: files.clientCa });
    requireMatch(files);
  } catch (error) {
    // OpenSSL's words name no content of the files.
    throw invalid(`${tlsCert} with ${tlsKey}`, (error as Error).message);
  }
  return files;
}

/** OpenSSL lets an RSA key pass with an EC certificate, and the other way round: then every handshake fails. */
function requireMatch({ cert, key }: Pick<TlsFiles, "cert" | "key">): void {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error("the key is not that of the certificate");
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw invalid(path, (error as Error).message);
  }
}

const invalid = (path: string, what: string): ProxyError =>
  new ProxyError("CONFIG_INVALID", `${path} can't be used: ${what}`);
