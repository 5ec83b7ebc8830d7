import {
  ServerInterceptingCall,
  ServerListenerBuilder,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";
import { limitMessages } from "./message-limit.js";
import type { Peers } from "./peers.js";

/** A timer may be early by as much. */
const SLACK_MS = 5;

/**
 * Tells the peers of their calls, and whose messages can't be read: grpc-js itself answers those, and no handler sees them.
 * A call that was taken back, or whose time was over first, is none of these: many a client does that.
 */
export function watchMessages(peers: Peers): ServerInterceptor {
  return ({ requestStream }, call) => {
    limitMessages(call, requestStream);
    const from = call.getPeer();
    const peer = peers.called(from);
    let hasCome = false;
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        // Not before: of a call that was over at once we would never hear that it is.
        peer?.asking(call);
        next(metadata);
      })
      .withOnReceiveMessage((message, next) => {
        hasCome = true;
        peer?.read();
        next(message);
      })
      // A client that takes back what it has not sent yet may do so by an end without a message.
      .withOnReceiveHalfClose((next) => {
        hasCome = true;
        peer?.asked(call);
        next();
      })
      .withOnCancel(() => {
        peer?.asked(call);
        const hadTime = Number(call.getDeadline()) > Date.now() + SLACK_MS;
        if (!hasCome && hadTime && isThere(call, from)) peer?.unread();
      })
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}

/** A call that its client has reset does not know its peer any more, and to ask one whose session is gone throws. */
function isThere(call: ServerInterceptingCallInterface, from: string): boolean {
  try {
    return call.getPeer() === from;
  } catch {
    return false;
  }
}
