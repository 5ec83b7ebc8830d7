import type { LookupAddress } from "node:dns";
import { canonicalIp } from "../address.js";

/**
 * Knows the IP addresses of the host names in use. A name is looked up when it is first tracked, again every
 * `refreshMs`, and soon after a connect failed (`refresh`). A failed look-up keeps the earlier answer; a name
 * without any answer is tried again every `retryMs`.
 *
 * Each name is one state machine: looking up → waiting (a timer) → looking up …, until it is released. At most
 * `MAX_CONCURRENT` look-ups run at once: `getaddrinfo` blocks a thread of libuv's pool of four, which file
 * operations need too, and a dead name server holds it for many seconds.
 */
export interface NameResolver {
  /** Counts one more user of the name. */
  track(name: string): void;
  /** Counts one user less; the last one ends the look-ups. */
  release(name: string): void;
  resolution(name: string): Resolution;
  /** Looks up again now, at most once a second per name. */
  refresh(name: string): void;
  /** Resolves when each of the names has been looked up once, or after `timeoutMs`. */
  settled(names: readonly string[], timeoutMs: number): Promise<void>;
  close(): void;
}

export interface Resolution {
  /** In the order given by the system; empty if the name does not resolve. */
  readonly addresses: readonly string[];
  /** Why the last look-up failed; "" if it did not. */
  readonly error: string;
  /** The first look-up has not ended yet. */
  readonly pending: boolean;
}

export interface NameResolverOptions {
  readonly lookup: (name: string) => Promise<readonly LookupAddress[]>;
  readonly onChange: (name: string) => void;
  readonly refreshMs?: number;
  readonly retryMs?: number;
}

const MAX_CONCURRENT = 2;
const MAX_ADDRESSES = 16;
const MIN_REFRESH_INTERVAL_MS = 1_000;
const UNKNOWN: Resolution = { addresses: [], error: "", pending: true };

interface Tracked {
  users: number;
  resolution: Resolution;
  startedMs: number;
  running: boolean;
  timer: NodeJS.Timeout | undefined;
  waiting: (() => void)[];
}

export function createNameResolver(options: NameResolverOptions): NameResolver {
  const { lookup, onChange, refreshMs = 30_000, retryMs = 1_000 } = options;
  const names = new Map<string, Tracked>();
  const queue: string[] = [];
  let running = 0;

  const enqueue = (name: string, tracked: Tracked): void => {
    if (tracked.running) return;
    tracked.running = true;
    clearTimeout(tracked.timer);
    queue.push(name);
    next();
  };
  const next = (): void => {
    while (running < MAX_CONCURRENT) {
      const name = queue.shift();
      if (name === undefined) return;
      const tracked = names.get(name);
      if (!tracked) continue;
      running += 1;
      tracked.startedMs = Date.now();
      lookup(name)
        .then(
          (found) => finish(name, tracked, answered(tracked.resolution, found)),
          (error: unknown) => finish(name, tracked, failed(tracked.resolution, error)),
        )
        .finally(() => {
          running -= 1;
          next();
        });
    }
  };
  const finish = (name: string, tracked: Tracked, resolution: Resolution): void => {
    tracked.running = false;
    if (names.get(name) !== tracked) return;
    const before = tracked.resolution;
    tracked.resolution = resolution;
    tracked.timer = setTimeout(enqueue, resolution.addresses.length > 0 ? refreshMs : retryMs, name, tracked).unref();
    for (const wake of tracked.waiting.splice(0)) wake();
    if (!sameResolution(before, resolution)) onChange(name);
  };

  return {
    track(name) {
      const tracked = names.get(name);
      if (tracked) {
        tracked.users += 1;
        return;
      }
      const created: Tracked = { users: 1, resolution: UNKNOWN, startedMs: 0, running: false, timer: undefined, waiting: [] };
      names.set(name, created);
      enqueue(name, created);
    },
    release(name) {
      const tracked = names.get(name);
      if (!tracked || --tracked.users > 0) return;
      names.delete(name);
      clearTimeout(tracked.timer);
      for (const wake of tracked.waiting.splice(0)) wake();
    },
    resolution: (name) => names.get(name)?.resolution ?? UNKNOWN,
    refresh(name) {
      const tracked = names.get(name);
      if (tracked && Date.now() - tracked.startedMs >= MIN_REFRESH_INTERVAL_MS) enqueue(name, tracked);
    },
    async settled(wanted, timeoutMs) {
      const pending = wanted.map((name) => names.get(name)).filter((tracked) => tracked?.resolution.pending);
      if (pending.length === 0) return;
      const answers = Promise.all(pending.map((tracked) => new Promise<void>((wake) => tracked?.waiting.push(wake))));
      await withinTime(answers, timeoutMs);
    },
    close() {
      for (const { timer } of names.values()) clearTimeout(timer);
      names.clear();
    },
  };
}

/** The addresses keep their order while they are the same ones: name servers rotate them with each answer. */
function answered(before: Resolution, found: readonly LookupAddress[]): Resolution {
  const addresses = [...new Set(found.map(({ address }) => canonicalIp(address)))].slice(0, MAX_ADDRESSES);
  const same = addresses.length === before.addresses.length && addresses.every((ip) => before.addresses.includes(ip));
  if (addresses.length === 0) return failed(before, new Error("the answer holds no address"));
  return { addresses: same ? before.addresses : addresses, error: "", pending: false };
}

function failed(before: Resolution, error: unknown): Resolution {
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = code === "ENOTFOUND" ? "the name does not exist (ENOTFOUND)" : (code ?? message);
  return { addresses: before.addresses, error: `look-up failed: ${reason}`, pending: false };
}

function sameResolution(a: Resolution, b: Resolution): boolean {
  return a.addresses === b.addresses && a.error === b.error && a.pending === b.pending;
}

async function withinTime(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([promise, new Promise((expire) => (timer = setTimeout(expire, timeoutMs)))]);
  clearTimeout(timer);
}
