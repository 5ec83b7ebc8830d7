import type { ServerWritableStream } from "@grpc/grpc-js";
import type { WatchBackendsRequest, WatchBackendsResponse } from "@seamless/proto";
import type { Management, Watch } from "../control/management.js";
import type { ServiceState } from "../control/service-state.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { fromProtoPosition } from "./from-proto.js";
import { toGrpcStatus } from "./grpc-status.js";
import { toProtoState } from "./to-proto.js";

type WatchCall = ServerWritableStream<WatchBackendsRequest, WatchBackendsResponse>;

const MAX_WATCHES_PER_CONNECTION = 16;
/**
 * How much may wait for a reader: all the 128 states that a returning watcher may have missed if they are of 7
 * backends or fewer, or one state of the largest list.
 */
const MAX_WAITING_ITEMS = 1_024;

/** The open WatchBackends streams. */
export interface WatchStreams {
  open(call: WatchCall): void;
  /** Ends all of them with OK, and those that still come at once. */
  close(): void;
}

/**
 * A stream is open until the client cancels or its connection goes ("cancelled", "close"), until `close`, or until it
 * fails at its start. What a stream has written and its reader not yet taken is counted; once that is too much,
 * nothing is sent until all of it is taken, and then the latest state.
 */
export function createWatchStreams(management: Management, logger: Logger): WatchStreams {
  const open = new Map<WatchCall, { readonly peer: string; readonly end: () => void }>();
  let closed = false;

  const start = (call: WatchCall): void => {
    const peer = call.getPeer();
    const fromPeer = [...open.values()].filter((other) => other.peer === peer).length;
    if (fromPeer >= MAX_WATCHES_PER_CONNECTION) {
      const message = `${MAX_WATCHES_PER_CONNECTION} watches are open on this connection already`;
      throw new ProxyError("LIMIT_EXCEEDED", message);
    }
    const watch = startWatch(management, call);
    const end = (): void => {
      if (!open.delete(call)) return;
      watch.close();
      call.end();
    };
    open.set(call, { peer, end });
    for (const event of ["cancelled", "close", "error"]) call.on(event, end);
  };

  return {
    open(call) {
      if (closed) {
        call.end();
        return;
      }
      try {
        start(call);
      } catch (error) {
        call.emit("error", toGrpcStatus(error, logger));
      }
    },
    close() {
      closed = true;
      for (const { end } of [...open.values()]) end();
    },
  };
}

/**
 * Not by `write` answering false, which it does after 16 states whatever their size: a watcher that comes back would
 * miss revisions that are still kept.
 */
function startWatch(management: Management, call: WatchCall): Watch {
  let waiting = 0;
  const send = (state: ServiceState): boolean => {
    const items = 1 + state.backends.length;
    waiting += items;
    call.write({ state: toProtoState(state) }, () => {
      waiting -= items;
      if (waiting === 0) watch.resume();
    });
    return waiting < MAX_WAITING_ITEMS;
  };
  const watch = management.service(call.request.service).watch(fromProtoPosition(call.request.after), send);
  return watch;
}
