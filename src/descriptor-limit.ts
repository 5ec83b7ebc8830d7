import { readFileSync } from "node:fs";

/** Kept free for management, logs, look-ups and listening sockets when the data path has taken all it may. */
const RESERVED_DESCRIPTORS = 128;
/** Where the limit can't be read; the least that common systems give. */
const FALLBACK_LIMIT = 1_024;
const MOST_CONNECTIONS = 1_000_000;

/** The limit on open files of this process (Linux; Node has raised the soft limit to the hard one at its start). */
export function readDescriptorLimit(): number {
  try {
    const line = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return line?.[1] === "unlimited" ? Infinity : Number(line?.[1] ?? FALLBACK_LIMIT);
  } catch {
    return FALLBACK_LIMIT;
  }
}

/** What a thread of the native engine has open besides its connections; some of them fit into the reserve. */
const DESCRIPTORS_PER_THREAD = 8;
const THREADS_IN_RESERVE = 4;

/** Most client connections at once: each takes two descriptors. */
export function connectionCap(descriptorLimit: number, threads = 1): number {
  const forThreads = Math.max(threads - THREADS_IN_RESERVE, 0) * DESCRIPTORS_PER_THREAD;
  const cap = Math.floor((descriptorLimit - RESERVED_DESCRIPTORS - forThreads) / 2);
  return Math.min(Math.max(cap, 1), MOST_CONNECTIONS);
}
