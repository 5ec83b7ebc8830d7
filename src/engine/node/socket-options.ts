import type { ServerOpts, SocketConstructorOpts, TcpSocketConnectOpts } from "node:net";
import type { Endpoint } from "../engine.js";

/**
 * Unsent bytes at which the sender is paused. More than the 64 KiB that Node reads at once, or every read would
 * pause the sender even if the kernel took all of it; small enough to bound a stalled connection to some 200 KiB.
 */
const WRITE_MARK_BYTES = 68 * 1024;

/** Waiting connections that the kernel keeps; cut to net.core.somaxconn. */
export const BACKLOG = 4096;

/** Half-close is passed on, both ways. Nothing is read from a client before its backend is connected. */
export const CLIENT_SOCKET_OPTIONS: ServerOpts = {
  allowHalfOpen: true,
  highWaterMark: WRITE_MARK_BYTES,
  pauseOnConnect: true,
};

/**
 * The constructor of a socket copies its options and adds three to the copy. V8's quick way to copy gives, in Node 20, an object
 * to which nothing can be added without a new hidden class each time, so that all that reads the options has never seen their
 * like: a third of a connection's JavaScript. An object without a prototype can't be copied that way, and the constructor that has
 * met one copies no others that way either, those of clients included. From Node 22 on it would only be slower; that one is known by
 * `Iterator`, which came with its V8.
 */
const COPIES_BADLY = !("Iterator" in globalThis);

export const BACKEND_SOCKET_OPTIONS: SocketConstructorOpts = Object.assign(
  (COPIES_BADLY ? Object.create(null) : {}) as SocketConstructorOpts,
  { allowHalfOpen: true, highWaterMark: WRITE_MARK_BYTES },
);

export function connectOptions({ host, port }: Endpoint): TcpSocketConnectOpts {
  return { host, port, autoSelectFamily: false };
}
