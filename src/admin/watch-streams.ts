import type { ServerWritableStream } from "@grpc/grpc-js";
import type { WatchBackendsRequest, WatchBackendsResponse } from "@seamless/proto";
import type { Management } from "../control/management.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { fromProtoPosition } from "./from-proto.js";
import { toGrpcStatus } from "./grpc-status.js";
import { toProtoState } from "./to-proto.js";

type WatchCall = ServerWritableStream<WatchBackendsRequest, WatchBackendsResponse>;

const MAX_WATCHES_PER_CONNECTION = 16;

/** The open WatchBackends streams. */
export interface WatchStreams {
  open(call: WatchCall): void;
  /** Ends all of them with OK, and those that still come at once. */
  close(): void;
}

/**
 * A stream is open until the client cancels or its connection goes ("cancelled", "close"), until `close`, or until it
 * fails at its start. While its `write` answers false nothing is sent; "drain" resumes it with the latest state.
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
    const service = management.service(call.request.service);
    const watch = service.watch(fromProtoPosition(call.request.after), (state) => {
      return call.write({ state: toProtoState(state) });
    });
    const end = (): void => {
      if (!open.delete(call)) return;
      watch.close();
      call.end();
    };
    open.set(call, { peer, end });
    call.on("drain", () => watch.resume());
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
