import type { Socket } from "node:net";
import type { ManagementRefusal } from "./management-refusals.js";

/** How often a connection may ask for more streams than it may have, and how many more unread messages than read ones it may send. */
const MOST_EXCESSES = 16;
/** Of one connection. */
export const MOST_CALLS_AT_ONCE = 100;
/** A larger message is not read. */
export const MOST_MESSAGE_BYTES = 65_536;
const BYTES_OF_A_MS = 64;
const FIRST_CREDIT = 1_048_576;
/** So much more may be on its way for as many calls as can be under way at once. */
const MOST_CREDIT = FIRST_CREDIT + MOST_CALLS_AT_ONCE * MOST_MESSAGE_BYTES;
/** What the answer to a message costs, which may be short itself, and many of them come in one call. */
const COST_OF_MESSAGE_BYTES = 4_096;
/** Twice what as many calls as there can be at once, each of the largest message, send while one of them is under way. */
const MOST_WHILE_ASKING_BYTES = 2 * MOST_CREDIT;
const SOONEST_LOOK_MS = 4;
const LATEST_LOOK_MS = 64;

export type CutReason = Extract<
  ManagementRefusal<"grpc">,
  "bytes" | "no-call" | "silent" | "streams" | "unreadable"
>;

/**
 * A connection of the gRPC server. To refuse costs us more than to be refused costs them, so that who goes on and on is
 * cut. What comes after a message that is too large, or after the only one of a call, is thrown away inside the HTTP/2
 * session, where nobody sees it: only the socket knows how much it is. A connection thus has a credit in bytes, which
 * calls and time give it, and is looked at every few milliseconds while something comes.
 */
export class Peer {
  readonly #socket: Socket;
  readonly #onCut: (reason: CutReason) => void;
  #excesses = 0;
  #unread = 0;
  #credit = FIRST_CREDIT;
  #bytesSeen = 0;
  /** The calls whose messages may go on, the oldest first, each with the bytes that had come before it. */
  readonly #asking = new Map<object, number>();
  #look: NodeJS.Timeout | undefined;

  constructor(socket: Socket, onCut: (reason: CutReason) => void) {
    this.#socket = socket;
    this.#onCut = onCut;
    this.#lookIn(SOONEST_LOOK_MS);
  }

  /** It asked for more streams than it may have. */
  exceeded(): void {
    this.#excesses += 1;
    if (this.#excesses > MOST_EXCESSES) this.cut("streams");
  }

  /** A call has begun. */
  called(): void {
    this.#credit += MOST_MESSAGE_BYTES;
  }

  /**
   * Its message may begin. A message that is not whole holds on to all that came in one piece with a part of it, so that
   * a few bytes of it now and then would keep everything the connection sends in memory.
   */
  asking(call: object): void {
    this.#asking.set(call, this.#socket.bytesRead);
  }

  /** No message of it will come any more. */
  asked(call: object): void {
    this.#asking.delete(call);
  }

  /** A message was read. */
  read(): void {
    this.#unread = Math.max(0, this.#unread - 1);
    this.#credit -= COST_OF_MESSAGE_BYTES;
    if (this.#credit < 0) this.cut("bytes");
  }

  /** Its message could not be read: it is too large, or no such message. */
  unread(): void {
    this.#unread += 1;
    if (this.#unread > MOST_EXCESSES) this.cut("unreadable");
  }

  cut(reason: CutReason): void {
    if (this.#socket.destroyed) return;
    this.#onCut(reason);
    this.#socket.destroy();
  }

  /** It is closed. */
  forget(): void {
    clearTimeout(this.#look);
  }

  #lookIn(waitMs: number): void {
    this.#look = setTimeout(() => {
      const came = this.#socket.bytesRead - this.#bytesSeen;
      this.#bytesSeen += came;
      this.#credit = Math.min(this.#credit + waitMs * BYTES_OF_A_MS - came, MOST_CREDIT);
      const [before = this.#bytesSeen] = this.#asking.values();
      if (this.#credit < 0 || this.#bytesSeen - before > MOST_WHILE_ASKING_BYTES) this.cut("bytes");
      else this.#lookIn(came > 0 ? SOONEST_LOOK_MS : Math.min(2 * waitMs, LATEST_LOOK_MS));
    }, waitMs).unref();
  }
}
