import { constants } from "node:fs";
import { access, copyFile, link, open, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import type { ServiceRecord } from "../control/service-record.js";
import { errnoOf } from "../errno.js";
import { ProxyError } from "../errors.js";
import type { Store } from "./store.js";
import { decodeState, encodeState, unusableState, type State } from "./state-file.js";

const MAX_BYTES = 256 * 1024 * 1024;
const PRIVATE = 0o600;

/**
 * A file that is always whole: each state is written to a temporary file beside it, which is synced to the disk and
 * renamed over it, and then the folder is synced. Whoever is told that a change was made can rely on it, whatever
 * happens to the process or the power. The file before is kept as `FILE.bak`.
 */
export class FileStore implements Store {
  readonly kind = "file";
  readonly #path: string;
  #generation: number;

  private constructor(path: string, generation: number) {
    this.#path = path;
    this.#generation = generation;
  }

  /**
   * @param reset takes no notice of what was saved
   * @returns what was saved, undefined for a new file
   * @throws ProxyError STATE_INVALID naming the file and its previous copy
   */
  static async open(path: string, reset: boolean): Promise<{ store: FileStore; saved: State | undefined }> {
    await rm(temporary(path), { force: true });
    const saved = reset ? undefined : await load(path);
    return { store: new FileStore(path, saved?.generation ?? 0), saved };
  }

  async save(services: readonly ServiceRecord[]): Promise<void> {
    const generation = this.#generation + 1;
    try {
      await writeDurably(temporary(this.#path), encodeState({ generation, services }));
      await keepPrevious(this.#path);
      await rename(temporary(this.#path), this.#path);
      this.#generation = generation;
      await syncFolder(dirname(this.#path));
    } catch (error) {
      await rm(temporary(this.#path), { force: true }).catch(() => undefined);
      throw new ProxyError(
        "STORE_FAILED",
        `the state file ${this.#path} can't be written: ${explain(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}

const temporary = (path: string): string => `${path}.tmp`;
const previous = (path: string): string => `${path}.bak`;

async function load(path: string): Promise<State | undefined> {
  const kept = (await exists(previous(path))) ? previous(path) : undefined;
  try {
    const text = await readSafely(path);
    if (text !== undefined) return decodeState(text);
    if (kept === undefined) return undefined;
    throw new Error("it is missing");
  } catch (error) {
    throw unusableState(path, kept, errnoOf(error) ? new Error(explain(error)) : error);
  }
}

/** Undefined: there is no such file. Whoever could plant or change the file could send the traffic anywhere. */
async function readSafely(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error("it is not a regular file");
    if ((stats.mode & 0o022) !== 0) throw new Error("others than its owner may write to it (chmod 600 it)");
    if (stats.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(path, flags, PRIVATE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function keepPrevious(path: string): Promise<void> {
  if (!(await exists(path))) return;
  await rm(previous(path), { force: true });
  try {
    await link(path, previous(path));
  } catch (error) {
    if (errnoOf(error) !== "EPERM" && errnoOf(error) !== "ENOTSUP") throw error;
    await copyFile(path, previous(path)); // A file system without hard links.
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is exceeded",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder does not exist",
  ELOOP: "it is a symbolic link, which is not followed",
  EISDIR: "it is a folder",
};

function explain(error: unknown): string {
  const code = errnoOf(error);
  if (code !== undefined) return REASONS[code] ?? code;
  return error instanceof Error ? error.message : String(error);
}
