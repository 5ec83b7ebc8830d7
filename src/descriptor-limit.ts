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
const DESCRIPTORS_PER_CONNECTION = 2;

/** Most client connections at once. */
export function connectionCap(descriptorLimit: number, threads = 1): number {
  const cap = Math.floor((descriptorLimit - reserveFor(threads)) / DESCRIPTORS_PER_CONNECTION);
  return Math.min(Math.max(cap, 1), MOST_CONNECTIONS);
}

/** Why the proxy can't start, and what to do; undefined if it can. */
export function descriptorShortage(descriptorLimit: number, threads = 1): string | undefined {
  const least = reserveFor(threads) + DESCRIPTORS_PER_CONNECTION;
  if (descriptorLimit >= least) return undefined;
  const others = threads > THREADS_IN_RESERVE ? ` with ${threads} threads` : "";
  return (
    `the limit on open files is ${descriptorLimit}, and must be ${least} at least${others}, better 10000 ` +
    "(two for each connection): raise it by `ulimit -n 10000`, or by LimitNOFILE=10000 in the unit of systemd"
  );
}

/** One for each core, but no more than may take a quarter of the descriptors. */
export function defaultThreads(descriptorLimit: number, cores: number): number {
  const fitting = Math.floor((descriptorLimit - RESERVED_DESCRIPTORS) / 4 / DESCRIPTORS_PER_THREAD);
  return Math.min(cores, Math.max(fitting, THREADS_IN_RESERVE));
}

function reserveFor(threads: number): number {
  return RESERVED_DESCRIPTORS + Math.max(threads - THREADS_IN_RESERVE, 0) * DESCRIPTORS_PER_THREAD;
}
