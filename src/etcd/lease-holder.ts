import type { Caller } from "./caller.js";
import type { Endpoint } from "./endpoint.js";
import type { Commit, HeldLease, LeaseEvents, Write } from "./etcd-client.js";
import { EtcdError } from "./etcd-error.js";
import { CallError } from "./failure.js";
import { KVService, LeaseService } from "./gen/etcd/etcdserverpb/rpc.js";
import { LeaseStream } from "./lease-stream.js";
import { LeasedKeys } from "./leased-keys.js";
import type { Members } from "./members.js";
import { fromTransaction, toTransaction } from "./transaction.js";

/** At least so often is the lease kept alive, so that a member that is gone is noticed before the lease ends. */
const MOST_BETWEEN_MS = 2_000;
const RELEASE_LIMIT_MS = 2_000;
const LIVED_MS = 1_000;

export interface LeaseHolderOptions {
  readonly ttlSeconds: number;
  readonly events: LeaseEvents;
  readonly members: Members;
  readonly caller: Caller;
  readonly callTimeoutMs: number;
}

interface Lease {
  readonly id: bigint;
  readonly ttlSeconds: number;
}

/**
 * Holds a lease as long as it can. The lease counts as held until it would end at etcd if nothing more arrived there,
 * reckoned from when the last request that kept it alive was sent; after that etcd is asked whether it is still there,
 * since the end of a lease waits for a leader.
 */
export class LeaseHolder implements HeldLease {
  readonly #options: LeaseHolderOptions;
  readonly #keys = new LeasedKeys();
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #running: Promise<void>;
  #lease: Lease | undefined;
  /** How many changes were asked for. */
  #asked = 0;
  #wake = (): void => undefined;
  #expiry: NodeJS.Timeout | undefined;
  #live = false;
  #held: boolean | undefined;
  #lastError = "";

  constructor(options: LeaseHolderOptions) {
    this.#options = options;
    this.#signal = AbortSignal.any([this.#closing.signal, options.members.closing]);
    this.#signal.addEventListener("abort", () => this.#wake());
    this.#running = this.#run();
  }

  get id(): bigint | undefined {
    return this.#live ? this.#lease?.id : undefined;
  }

  put(key: string, value: string): void {
    this.#keys.put(key, value);
    this.#changed();
  }

  delete(key: string): void {
    this.#keys.delete(key);
    this.#changed();
  }

  async release(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    const lease = this.#lease;
    this.#lease = undefined;
    if (!lease) return;
    const { members, caller } = this.#options;
    const revoke = (endpoint: Endpoint, leftMs: number): Promise<unknown> =>
      caller.call(endpoint, LeaseService.leaseRevoke, { ID: lease.id }, leftMs);
    // If it fails, the lease ends by itself.
    await members.failOver(["unreachable", "unknown"], RELEASE_LIMIT_MS, revoke).catch(() => undefined);
  }

  #changed(): void {
    this.#asked += 1;
    this.#wake();
  }

  async #run(): Promise<void> {
    const { members } = this.#options;
    for (let failures = 1; ; failures += 1) {
      const startedAt = performance.now();
      const endpoint = members.present();
      const error = await this.#session(endpoint).catch((error: unknown) => error as Error);
      if (this.#signal.aborted) break;
      this.#failed(error.message);
      if (!isRefusal(error)) members.passOver(endpoint);
      if (performance.now() - startedAt > LIVED_MS) failures = 1;
      await members.pause(failures, this.#signal).catch(() => undefined);
    }
    this.#live = false;
    clearTimeout(this.#expiry);
  }

  /** With one endpoint, until it fails. */
  #session(endpoint: Endpoint): Promise<never> {
    const { caller, callTimeoutMs } = this.#options;
    const parts = { caller, endpoint, signal: this.#signal, limitMs: callTimeoutMs };
    return LeaseStream.use(parts, async (stream) => {
      for (;;) {
        const lease = this.#lease;
        this.#signal.throwIfAborted();
        if (lease) await this.#keepAlive(stream, lease);
        else await this.#grant(endpoint);
        await this.#untilNext(endpoint);
      }
    });
  }

  async #grant(endpoint: Endpoint): Promise<void> {
    const { caller, ttlSeconds } = this.#options;
    const sentAt = performance.now();
    const request = { TTL: BigInt(ttlSeconds) };
    const { ID: id, TTL, error } = await caller.call(endpoint, LeaseService.leaseGrant, request);
    if (error !== "") throw new EtcdError("invalid", `etcd at ${endpoint.name}: ${error}`);
    this.#lease = { id, ttlSeconds: Number(TTL) };
    this.#keys.writeAllAgain();
    this.#liveUntil(sentAt + Number(TTL) * 1_000);
  }

  async #keepAlive(stream: LeaseStream, lease: Lease): Promise<void> {
    const sentAt = performance.now();
    const seconds = await stream.keepAlive(lease.id);
    if (seconds > 0) this.#liveUntil(sentAt + seconds * 1_000);
    else this.#lost();
  }

  #liveUntil(time: number): void {
    clearTimeout(this.#expiry);
    this.#live = true;
    const end = (): void => {
      this.#live = false;
      this.#report(false, `the lease has ended: ${this.#lastError}`);
    };
    this.#expiry = setTimeout(end, time - performance.now());
  }

  #lost(): void {
    clearTimeout(this.#expiry);
    this.#lease = undefined;
    this.#live = false;
    this.#failed("etcd has let the lease end");
  }

  /** Writes what is to be written, until it is time to keep the lease alive again. */
  async #untilNext(endpoint: Endpoint): Promise<void> {
    const lease = this.#lease;
    if (!lease) return;
    const next = performance.now() + Math.min((lease.ttlSeconds * 1_000) / 3, MOST_BETWEEN_MS);
    for (;;) {
      const asked = this.#asked;
      const complete = await this.#writeAll(endpoint, lease);
      if (this.#lease !== lease) return;
      if (complete) this.#report(true, "");
      const left = next - performance.now();
      if (left <= 0) return;
      if (asked === this.#asked) await this.#asleep(left);
    }
  }

  /** False if etcd refuses some of it, which a later try may change. @throws EtcdError if etcd can't be asked */
  async #writeAll(endpoint: Endpoint, lease: Lease): Promise<boolean> {
    let refused = false;
    for (const { key, value } of this.#keys.unwritten()) {
      this.#signal.throwIfAborted();
      const write: Write = value === undefined ? { delete: key } : { put: key, value, lease: lease.id };
      try {
        await this.#commit(endpoint, write);
        this.#keys.written(key, value);
      } catch (error) {
        if (error instanceof CallError && error.reason === "lease") {
          this.#lost();
          return false;
        }
        if (!(error instanceof EtcdError) || error.kind === "unreachable" || error.kind === "unknown")
          throw error;
        refused = true;
        this.#report(false, `${key} can't be written: ${error.message}`);
      }
    }
    return !refused && this.#keys.complete;
  }

  async #commit(endpoint: Endpoint, write: Write): Promise<Commit> {
    const { caller } = this.#options;
    return fromTransaction(await caller.call(endpoint, KVService.txn, toTransaction([], [write])));
  }

  /** Until something is to be written, or the time is over. */
  async #asleep(limitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => undefined;
    this.#signal.throwIfAborted();
  }

  /** The lease may outlive a failure. */
  #failed(error: string): void {
    this.#lastError = error;
    if (!this.#live) this.#report(false, error);
  }

  #report(held: boolean, error: string): void {
    if (held === this.#held || this.#signal.aborted) return;
    this.#held = held;
    try {
      this.#options.events.onState(held, error);
    } catch {
      // A fault of the listener is no reason to lose the lease.
    }
  }
}

/** etcd has answered, and any other member would say the same. */
function isRefusal(error: unknown): error is EtcdError {
  return error instanceof EtcdError && (error.kind === "denied" || error.kind === "invalid");
}
