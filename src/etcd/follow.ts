import { setTimeout as delay } from "node:timers/promises";
import type { Caller } from "./caller.js";
import type { Follower, FollowState } from "./etcd-client.js";
import { EtcdError } from "./etcd-error.js";
import { KnownEntries } from "./known-entries.js";
import type { Members } from "./members.js";
import { Resumption } from "./resumption.js";
import { Doubt, WatchDenied, watchSession } from "./watch-session.js";

/** A watch that lived so long was not hopeless from the start, so that the next one may begin at once. */
const LIVED_MS = 1_000;
/** Each try makes etcd check a password, which takes it long on purpose. */
const DENIED_PAUSE_MS = 2_000;

/** Follows a prefix over as many watches as it takes, until it is closed. */
export class Following {
  readonly #prefix: string;
  readonly #follower: Follower;
  readonly #members: Members;
  readonly #caller: Caller;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #resumption = new Resumption();
  readonly #known = new KnownEntries();
  #connected: boolean | undefined;

  constructor(prefix: string, follower: Follower, members: Members, caller: Caller) {
    this.#prefix = prefix;
    this.#follower = follower;
    this.#members = members;
    this.#caller = caller;
    this.#signal = AbortSignal.any([this.#closing.signal, members.closing]);
    void this.#run();
  }

  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      const startedAt = performance.now();
      const error = await this.#watch();
      if (this.#signal.aborted) return;
      this.#report({ connected: false, error: (error as Error).message });
      if (performance.now() - startedAt > LIVED_MS && !isDenial(error)) failures = 1;
      await this.#pause(failures, error).catch(() => undefined);
    }
  }

  /** The first denial may only be that of an old token. */
  #pause(failures: number, error: unknown): Promise<void> {
    if (isDenial(error) && failures > 1) return delay(DENIED_PAUSE_MS, undefined, { signal: this.#signal });
    return this.#members.pause(failures, this.#signal);
  }

  /** One watch; resolves with why it broke. */
  async #watch(): Promise<unknown> {
    const endpoint = this.#members.present();
    try {
      return await watchSession({
        prefix: this.#prefix,
        follower: {
          onSnapshot: (snapshot) => this.#hand(() => this.#follower.onSnapshot(snapshot)),
          onEvents: (events, revision) => this.#hand(() => this.#follower.onEvents(events, revision)),
        },
        caller: this.#caller,
        endpoint,
        resumption: this.#resumption,
        known: this.#known,
        signal: this.#signal,
        onConnected: () => this.#report({ connected: true }),
      });
    } catch (error) {
      if (error instanceof Doubt) this.#resumption.forget();
      else if (!isDenial(error)) this.#members.passOver(endpoint);
      return error;
    }
  }

  /** Nothing is handed over after `close`, and what the follower throws doesn't end the following. */
  #hand(over: () => void): void {
    if (this.#signal.aborted) throw new Error("closed");
    try {
      over();
    } catch (error) {
      throw new Doubt(`the follower has failed: ${String(error)}`, { cause: error });
    }
  }

  #report(state: FollowState): void {
    if (state.connected === this.#connected) return;
    this.#connected = state.connected;
    try {
      this.#follower.onState(state);
    } catch {
      // A fault of the follower is no reason to stop following.
    }
  }
}

function isDenial(error: unknown): boolean {
  return error instanceof WatchDenied || (error instanceof EtcdError && error.kind === "denied");
}
