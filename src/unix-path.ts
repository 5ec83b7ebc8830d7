import { constants, lstatSync, rmSync } from "node:fs";
import { access, chmod, lstat, mkdtemp, rename, rm } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { errnoOf } from "./errno.js";
import { ProxyError } from "./errors.js";
import { listenError } from "./listen-error.js";

/** What `sockaddr_un` holds on macOS; Linux has four more. */
const MAX_PATH_BYTES = 103;
const HIDDEN_PREFIX = ".s-";

/** A listening Unix socket at its path. */
export interface PathClaim {
  /** Whether the file is still the one that was there first. */
  readonly isHeld: boolean;
  /** Removes the file, unless it is another one by now. */
  release(): void;
}

/**
 * Makes the socket in a folder that nobody else can enter, gives it its mode there, and only then moves it to its
 * path: at no moment can another user connect who may not. (The mode at its creation would depend on the umask, which
 * belongs to the whole process.) The move also replaces what a proxy that was killed has left behind.
 *
 * @param listen makes a socket at a path
 * @throws ProxyError LISTEN_FAILED, also if another program listens there
 */
export async function claimPath(
  path: string,
  mode: number,
  listen: (hidden: string) => Promise<void>,
): Promise<PathClaim> {
  try {
    await requirePath(path);
    const folder = await mkdtemp(join(dirname(path), HIDDEN_PREFIX));
    try {
      const hidden = join(folder, "s");
      await listen(hidden);
      await chmod(hidden, mode);
      const claim = claimOf(path, (await lstat(hidden)).ino);
      await rename(hidden, path);
      return claim;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (error) {
    throw error instanceof ProxyError ? error : listenError(`unix:${path}`, error);
  }
}

/** Whether a socket could be made there, as far as looking tells. @throws ProxyError LISTEN_FAILED */
export async function requirePath(path: string): Promise<void> {
  refuseIfTooLong(path);
  await access(dirname(path), constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw listenError(`unix:${path}`, error);
  });
  await refuseIfInUse(path);
}

/** Of a socket that another process has made there. */
export function adoptPath(path: string): PathClaim {
  return claimOf(path, inodeOf(path));
}

function claimOf(path: string, ino: number | undefined): PathClaim {
  const isHeld = (): boolean => ino !== undefined && inodeOf(path) === ino;
  return {
    get isHeld() {
      return isHeld();
    },
    release() {
      if (isHeld()) rmSync(path, { force: true });
    },
  };
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** libuv would cut a longer path without a word. */
function refuseIfTooLong(path: string): void {
  const hidden = join(dirname(path), `${HIDDEN_PREFIX}XXXXXX`, "s");
  const bytes = Math.max(Buffer.byteLength(path), Buffer.byteLength(hidden));
  if (bytes <= MAX_PATH_BYTES) return;
  const message = `cannot listen on unix:${path}: the path is too long for a socket (${MAX_PATH_BYTES} bytes)`;
  throw new ProxyError("LISTEN_FAILED", message);
}

async function refuseIfInUse(path: string): Promise<void> {
  const existing = await lstat(path).catch(() => undefined);
  if (!existing) return;
  if (!existing.isSocket()) {
    throw new ProxyError(
      "LISTEN_FAILED",
      `cannot listen on unix:${path}: there is a file that is not a socket`,
    );
  }
  if (await answers(path)) {
    throw new ProxyError("LISTEN_FAILED", `cannot listen on unix:${path}: another program listens there`);
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", (error) => resolve(errnoOf(error) !== "ECONNREFUSED"));
  });
}
