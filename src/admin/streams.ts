import { status, type ServerWritableStream } from "@grpc/grpc-js";
import type { Watch } from "../control/management.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { toGrpcStatus } from "./grpc-status.js";
import type { Peers } from "./peers.js";

const MAX_STREAMS_PER_CONNECTION = 16;
/**
 * How much may wait for a reader: all the 128 states that a returning watcher may have missed if they are of 7
 * backends or fewer, or one state of the largest list.
 */
const MAX_WAITING_ITEMS = 1_024;

/** The server's side of a stream. */
export interface Outlet<Response> {
  /** @param items a measure of its size. Answers false when the reader can't take more for now. */
  readonly write: (response: Response, items: number) => boolean;
  /** Ends the stream with OK, once what was written is sent. */
  readonly end: () => void;
}

/** Begins to write, and answers how to go on and how to stop. */
export type Start<Response> = (outlet: Outlet<Response>) => Watch | Promise<Watch>;

/** Called with the status that a stream ended with, and why if it failed. */
export type Ended = (code: status, error?: unknown) => void;

/** The open streams of the server. */
export interface Streams {
  open<Request, Response>(
    call: ServerWritableStream<Request, Response>,
    start: Start<Response>,
    ended: Ended,
  ): void;
  /** Ends all of them with OK, and those that still come at once. */
  close(): void;
}

/**
 * A stream is open until the server has no more to say, until the client cancels or its connection goes ("cancelled",
 * "close"), until `close`, or until it fails at its start. What a stream has written and its reader not yet taken is
 * counted; once that is too much, nothing is sent until all of it is taken, and then the latest.
 */
export function createStreams(logger: Logger, peers: Peers): Streams {
  const open = new Map<object, { readonly peer: string; readonly end: () => void }>();
  let closed = false;

  const begin = async <Request, Response>(
    call: ServerWritableStream<Request, Response>,
    start: Start<Response>,
    ended: Ended,
  ): Promise<void> => {
    const peer = call.getPeer();
    const fromPeer = [...open.values()].filter((other) => other.peer === peer).length;
    if (fromPeer >= MAX_STREAMS_PER_CONNECTION) {
      peers.of(peer)?.exceeded();
      const message = `${MAX_STREAMS_PER_CONNECTION} streams are open on this connection already`;
      throw new ProxyError("LIMIT_EXCEEDED", message);
    }
    let watch: Watch | undefined;
    const end = (): void => {
      if (!open.delete(call)) return;
      watch?.close();
      call.end();
      ended(call.cancelled ? status.CANCELLED : status.OK);
    };
    open.set(call, { peer, end });
    for (const event of ["cancelled", "close", "error"]) call.on(event, end);
    try {
      watch = await start(createOutlet(call, { end, resume: () => watch?.resume() }));
    } catch (error) {
      open.delete(call);
      throw error;
    }
    if (!open.has(call)) watch.close();
  };

  return {
    open(call, start, ended) {
      if (closed) {
        call.end();
        ended(status.OK);
        return;
      }
      begin(call, start, ended).catch((error: unknown) => {
        const answer = toGrpcStatus(error, logger);
        call.emit("error", answer);
        ended(answer.code, error);
      });
    },
    close() {
      closed = true;
      for (const { end } of [...open.values()]) end();
    },
  };
}

/**
 * Not by `write` answering false, which it does after 16 messages whatever their size: a watcher that comes back would
 * miss revisions that are still kept.
 */
function createOutlet<Request, Response>(
  call: ServerWritableStream<Request, Response>,
  { end, resume }: { readonly end: () => void; readonly resume: () => void },
): Outlet<Response> {
  let waiting = 0;
  return {
    write(response, items) {
      waiting += items;
      call.write(response, () => {
        waiting -= items;
        if (waiting === 0) resume();
      });
      return waiting < MAX_WAITING_ITEMS;
    },
    end,
  };
}
