import { ServerInterceptingCall, ServerListenerBuilder, type ServerInterceptor } from "@grpc/grpc-js";
import type { Peers } from "./peers.js";

/** Tells the peers of their calls, and whose messages can be read. What can't is answered by grpc-js itself, and no handler sees it. */
export function watchMessages(peers: Peers): ServerInterceptor {
  return (_method, call) => {
    // Once it is over, a call does not know its peer any more.
    const peer = peers.called(call.getPeer());
    let isRead = false;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMessage((message, next) => {
        isRead = true;
        peer?.read();
        next(message);
      })
      .withOnCancel(() => {
        if (!isRead) peer?.unread();
      })
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}
