import type { LookupAddress } from "node:dns";
import { canonicalIp } from "../address.js";

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
  /** The resolution of a name has changed. */
  readonly onChange: (name: string) => void;
  /** Default 30 s. */
  readonly refreshMs?: number;
  /** Default 1 s. */
  readonly retryMs?: number;
}

const MAX_CONCURRENT = 2;
const MAX_ADDRESSES = 16;
const MIN_REFRESH_INTERVAL_MS = 1_000;
const UNKNOWN: Resolution = { addresses: [], error: "", pending: true };

interface Tracked {
  readonly name: string;
  users: number;
  resolution: Resolution;
  startedMs: number;
  /** Queued or being looked up. */
  busy: boolean;
  timer: NodeJS.Timeout | undefined;
  waiting: (() => void)[];
}

/**
 * Knows the IP addresses of the host names in use. A name is looked up when it is first tracked, again every
 * `refreshMs`, and soon after a connect failed (`refresh`). A failed look-up keeps the earlier answer; a name
 * without any answer is tried again every `retryMs`.
 *
 * Each name is one state machine: queued → looking up → waiting (a timer) → queued …, until it is released. At
 * most `MAX_CONCURRENT` look-ups run at once: `getaddrinfo` blocks a thread of libuv's pool of four, which file
 * operations need too, and a dead name server holds it for many seconds.
 */
export class NameResolver {
  readonly #options: Required<NameResolverOptions>;
  readonly #names = new Map<string, Tracked>();
  readonly #queue: Tracked[] = [];
  #running = 0;

  constructor(options: NameResolverOptions) {
    this.#options = { refreshMs: 30_000, retryMs: 1_000, ...options };
  }

  /** Counts one more user of the name. */
  track(name: string): void {
    const tracked = this.#names.get(name);
    if (tracked) {
      tracked.users += 1;
      return;
    }
    const created: Tracked = {
      name,
      users: 1,
      resolution: UNKNOWN,
      startedMs: 0,
      busy: false,
      timer: undefined,
      waiting: [],
    };
    this.#names.set(name, created);
    this.#enqueue(created);
  }

  /** Counts one user less; the last one ends the look-ups. */
  release(name: string): void {
    const tracked = this.#names.get(name);
    if (!tracked || --tracked.users > 0) return;
    this.#names.delete(name);
    clearTimeout(tracked.timer);
    wakeAll(tracked);
  }

  resolution(name: string): Resolution {
    return this.#names.get(name)?.resolution ?? UNKNOWN;
  }

  /** Looks up again now, at most once a second per name. */
  refresh(name: string): void {
    const tracked = this.#names.get(name);
    if (tracked && Date.now() - tracked.startedMs >= MIN_REFRESH_INTERVAL_MS) this.#enqueue(tracked);
  }

  /** Resolves when each of the names has been looked up once, or after `timeoutMs`. */
  async settled(names: readonly string[], timeoutMs: number): Promise<void> {
    const pending = names
      .map((name) => this.#names.get(name))
      .filter((tracked) => tracked?.resolution.pending);
    if (pending.length === 0) return;
    const answers = pending.map((tracked) => new Promise<void>((wake) => tracked?.waiting.push(wake)));
    await withinTime(Promise.all(answers), timeoutMs);
  }

  close(): void {
    for (const { timer } of this.#names.values()) clearTimeout(timer);
    this.#names.clear();
  }

  #enqueue(tracked: Tracked): void {
    if (tracked.busy) return;
    tracked.busy = true;
    clearTimeout(tracked.timer);
    this.#queue.push(tracked);
    this.#startNext();
  }

  #startNext(): void {
    while (this.#running < MAX_CONCURRENT) {
      const tracked = this.#queue.shift();
      if (tracked === undefined) return;
      if (this.#names.get(tracked.name) === tracked) void this.#lookUp(tracked);
    }
  }

  async #lookUp(tracked: Tracked): Promise<void> {
    this.#running += 1;
    tracked.startedMs = Date.now();
    const resolution = await this.#options.lookup(tracked.name).then(
      (found) => answered(tracked.resolution, found),
      (error: unknown) => failed(tracked.resolution, error),
    );
    this.#running -= 1;
    tracked.busy = false;
    if (this.#names.get(tracked.name) === tracked) this.#settle(tracked, resolution);
    this.#startNext();
  }

  #settle(tracked: Tracked, resolution: Resolution): void {
    const changed = !sameResolution(tracked.resolution, resolution);
    tracked.resolution = resolution;
    const { refreshMs, retryMs, onChange } = this.#options;
    const delayMs = resolution.error === "" ? refreshMs : retryMs;
    tracked.timer = setTimeout(() => this.#enqueue(tracked), delayMs).unref();
    wakeAll(tracked);
    if (changed) onChange(tracked.name);
  }
}

function wakeAll({ waiting }: Tracked): void {
  for (const wake of waiting.splice(0)) wake();
}

/** The addresses keep their order while they are the same ones: name servers rotate them with each answer. */
function answered(before: Resolution, found: readonly LookupAddress[]): Resolution {
  const addresses = [...new Set(found.map(({ address }) => canonicalIp(address)))].slice(0, MAX_ADDRESSES);
  const same =
    addresses.length === before.addresses.length && addresses.every((ip) => before.addresses.includes(ip));
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
