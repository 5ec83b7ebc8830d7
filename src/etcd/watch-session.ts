import type { Caller } from "./caller.js";
import type { Endpoint } from "./endpoint.js";
import type { Follower } from "./etcd-client.js";
import { CallError } from "./failure.js";
import { KVService, type ResponseHeader, WatchService } from "./gen/etcd/etcdserverpb/rpc.js";
import type { WatchRequest, WatchResponse } from "./gen/etcd/etcdserverpb/rpc.js";
import { keyRange } from "./key-range.js";
import type { KnownEntries } from "./known-entries.js";
import { MessageStream } from "./message-stream.js";
import { list, type ListOptions, type Listing } from "./range-reader.js";
import type { Resumption, Step } from "./resumption.js";

/**
 * Whether a silent watch is alive is asked with etcd's progress requests, not with HTTP/2 pings: an answer comes from
 * etcd's watch itself, and etcd takes more than one ping in 5 s for an attack and ends the connection (measured: after
 * 8 s with a ping every 2 s). Frozen, it is noticed after `SILENCE_LIMIT_MS`.
 */
const ASK_AFTER_MS = 1_000;
const SILENCE_LIMIT_MS = 3_500;

/**
 * etcd looks for the past events of a new watch every 100 ms. Until 3.4.24 and 3.5.7 it answers a progress request also
 * before it has sent them; this is when it has.
 */
const ASK_WHILE_BEHIND_MS = 250;

/** Events may have been missed. */
export class Doubt extends Error {}

/** The watch isn't allowed, or the token is void. */
export class WatchDenied extends Error {}

export interface WatchSessionParts {
  readonly prefix: string;
  readonly follower: Pick<Follower, "onSnapshot" | "onEvents">;
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly resumption: Resumption;
  readonly known: KnownEntries;
  readonly signal: AbortSignal;
  /** Called once it has caught up. */
  readonly onConnected: () => void;
}

/** One watch on one connection, until it breaks: this never resolves. @throws EtcdError, Doubt, WatchDenied */
export async function watchSession(parts: WatchSessionParts): Promise<never> {
  const { caller, endpoint, signal } = parts;
  const { client, token } = await caller.access(endpoint);
  const stream = new MessageStream(client, WatchService.watch, { token, signal, at: endpoint.name });
  try {
    return await new WatchSession(parts, stream).run();
  } catch (error) {
    if (isSilence(error)) endpoint.drop(client);
    if (isTokenRefusal(error)) await caller.refuse(token);
    throw error;
  } finally {
    stream.close();
  }
}

class WatchSession {
  readonly #parts: WatchSessionParts;
  readonly #stream: MessageStream<WatchRequest, WatchResponse>;
  #connected = false;

  constructor(parts: WatchSessionParts, stream: MessageStream<WatchRequest, WatchResponse>) {
    this.#parts = parts;
    this.#stream = stream;
  }

  async run(): Promise<never> {
    const { prefix, resumption } = this.#parts;
    const value = { ...keyRange({ prefix }), startRevision: resumption.begin() };
    this.#stream.send({ requestUnion: { $case: "createRequest", value } });
    for (;;) {
      const message = await this.#receive();
      await this.#carryOut(resumption.take(message), message.header);
      if (this.#connected || resumption.behind || !resumption.position) continue;
      this.#connected = true;
      this.#parts.onConnected();
    }
  }

  async #receive(): Promise<WatchResponse> {
    const { resumption } = this.#parts;
    const askAfterMs = resumption.behind ? ASK_WHILE_BEHIND_MS : ASK_AFTER_MS;
    try {
      return await this.#stream.receive(SILENCE_LIMIT_MS, askAfterMs, () =>
        this.#stream.send({ requestUnion: { $case: "progressRequest", value: {} } }),
      );
    } catch (error) {
      // It would be as much the next time: too many events in one message, or so many that finding them takes too long.
      if (isTooLarge(error) || (isSilence(error) && resumption.behind)) resumption.forget();
      throw error;
    }
  }

  async #carryOut(step: Step, header: ResponseHeader | undefined): Promise<void> {
    const { follower, known, resumption } = this.#parts;
    switch (step.do) {
      case "list":
        return this.#list(header);
      case "verify":
        return this.#verify();
      case "pass on":
        known.apply(step.events);
        follower.onEvents(step.events, step.revision);
        return;
      case "nothing":
        if (step.current) resumption.caughtUp();
        return;
      case "relist":
        throw new Doubt(step.why);
      case "end":
        throw step.denied ? new WatchDenied(step.why) : new Error(step.why);
    }
  }

  async #list(header: ResponseHeader | undefined): Promise<void> {
    const { follower, known, prefix, resumption } = this.#parts;
    const listing = await this.#read({ prefix });
    if (!resumption.listed(listing, header)) throw new Doubt("another cluster answers");
    known.replace(listing.entries);
    follower.onSnapshot({ revision: listing.revision, entries: listing.entries });
  }

  /**
   * A member whose data was wiped has the same cluster id as before, and after some writes its revision is higher
   * again. So we look whether there was, at our position, what we know of: all keys with their revisions, and the value
   * that was written last.
   */
  async #verify(): Promise<void> {
    const { known, prefix, resumption } = this.#parts;
    const revision = resumption.position?.revision ?? 0n;
    const { entries } = await this.#readAt({ prefix }, { revision, keysOnly: true });
    if (!known.hasKeys(entries)) throw new Doubt("etcd's data is not what it was");
    const key = known.newest();
    if (key === undefined) return;
    const [newest] = (await this.#readAt({ key }, { revision })).entries;
    if (!newest || !known.has(newest)) throw new Doubt("etcd's data is not what it was");
  }

  #read(what: { prefix: string } | { key: string }, options?: ListOptions): Promise<Listing> {
    const { caller, endpoint } = this.#parts;
    return list((request) => caller.call(endpoint, KVService.range, request), what, options);
  }

  async #readAt(what: { prefix: string } | { key: string }, options: ListOptions): Promise<Listing> {
    try {
      return await this.#read(what, options);
    } catch (error) {
      if (error instanceof CallError && error.reason === "revision") throw new Doubt(error.message);
      throw error;
    }
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof CallError && error.reason === "timeout";
}

function isTooLarge(error: unknown): boolean {
  return error instanceof CallError && error.reason === "too-large";
}

function isTokenRefusal(error: unknown): boolean {
  return error instanceof WatchDenied || (error instanceof CallError && error.reason === "token");
}
