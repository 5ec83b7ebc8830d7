import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

const PIECE_BYTES = 512;
const EVERY_MS = 200;

export interface Totals {
  readonly sent: number;
  readonly received: number;
}

/** A connection to an echo that sends all the time, and checks each byte that comes back, until it is told to end. */
export class CheckedStream {
  readonly #socket: Socket;
  readonly #closed: Promise<unknown>;
  readonly #timer: NodeJS.Timeout;
  /** What is sent, over and over; an odd length, so that a lost piece shows as a wrong byte and not just as a gap. */
  readonly #pattern = randomBytes(4099);
  #sent = 0;
  #received = 0;

  constructor(port: number) {
    this.#socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.#closed = once(this.#socket, "close");
    this.#closed.catch(() => undefined);
    this.#socket.on("data", (chunk: Buffer) => this.#check(chunk));
    this.#timer = setInterval(() => this.#send(), EVERY_MS);
    this.#send();
  }

  /** Ends its own direction, reads to the end of the other, and resolves with the totals; rejects if it is reset. */
  async end(): Promise<Totals> {
    clearInterval(this.#timer);
    this.#socket.end();
    await this.#closed;
    return { sent: this.#sent, received: this.#received };
  }

  /** Gives up at once, for a test that has failed. */
  destroy(): void {
    clearInterval(this.#timer);
    this.#socket.destroy();
  }

  #send(): void {
    const piece = this.#slice(this.#sent, PIECE_BYTES);
    this.#sent += piece.length;
    this.#socket.write(piece);
  }

  #check(chunk: Buffer): void {
    const expected = this.#slice(this.#received, chunk.length);
    assert.ok(chunk.equals(expected), `wrong bytes between ${this.#received} and ${chunk.length} more`);
    this.#received += chunk.length;
  }

  #slice(position: number, length: number): Buffer {
    const start = position % this.#pattern.length;
    const turns = Math.ceil((start + length) / this.#pattern.length);
    const endless = turns === 1 ? this.#pattern : Buffer.concat(Array<Buffer>(turns).fill(this.#pattern));
    return endless.subarray(start, start + length);
  }
}
