import type { Serializable } from "node:child_process";

/** A child process, or for the child its own process, with an IPC channel between them. */
export interface Peer {
  readonly connected: boolean;
  send(message: Serializable, done: (error: Error | null) => void): unknown;
  on(event: "message", call: (message: unknown) => void): unknown;
  on(event: "disconnect", call: () => void): unknown;
  disconnect(): void;
}

interface Message {
  readonly type: string;
}

/** One end of what two processes talk through. What comes before anybody reads it waits. */
export class Channel<Sent extends Message, Received extends Message> {
  readonly #peer: Peer;
  #unread: Received[] = [];
  #read: ((message: Received) => void) | undefined;
  #onClosed: () => void = () => undefined;
  readonly closed = new Promise<void>((resolve) => (this.#onClosed = resolve));

  constructor(peer: Peer) {
    this.#peer = peer;
    peer.on("message", (message) => {
      if (this.#read) this.#read(message as Received);
      else this.#unread.push(message as Received);
    });
    peer.on("disconnect", () => this.#onClosed());
    if (!peer.connected) this.#onClosed();
  }

  /** To one that is gone nothing is said. */
  send(message: Sent): void {
    if (this.#peer.connected) this.#peer.send(message, () => undefined);
  }

  /** The next message, whatever it is; never, if none comes. */
  next(): Promise<Received> {
    const [first, ...rest] = this.#unread;
    this.#unread = rest;
    if (first) return Promise.resolve(first);
    return new Promise((resolve) => {
      this.#read = (message) => {
        this.#read = undefined;
        resolve(message);
      };
    });
  }

  /** All that come from now on. */
  follow(read: (message: Received) => void): void {
    this.#read = read;
    for (const message of this.#unread.splice(0)) read(message);
  }

  close(): void {
    if (this.#peer.connected) this.#peer.disconnect();
  }
}
