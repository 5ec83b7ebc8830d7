import { execFileSync } from "node:child_process";

/** Raises the limit on open files as far as it may be, then becomes the program that its arguments name. */
export const WITH_MOST_FILES = 'ulimit -n 65536 2>/dev/null || ulimit -n $(ulimit -Hn); exec "$0" "$@"';

const openFiles = Number(
  execFileSync("sh", ["-c", WITH_MOST_FILES, "sh", "-c", "ulimit -n"], { encoding: "utf8" }),
);

/** A proxy has two descriptors for each connection, and some for itself. */
export const MOST_CONNECTIONS = Math.min(10_000, Math.floor((openFiles - 1_000) / 2));
