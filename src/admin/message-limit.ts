import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";

/** Of a call that has one: the second has it refused by grpc-js, as it should be. */
const MOST_OF_ONE = 2;
/** Of a call that may have many, in one frame. */
const MOST_AT_ONCE = 16;

/** What grpc-js has inside of a call, and no types for. */
interface CallInside {
  readonly decoder?: { write: (data: Buffer) => Buffer[] };
}

/**
 * grpc-js unpacks all the messages that a frame has, at once, of which 3,000 fit into one: 12 KiB each for the
 * decompression of nothing. There is no option, so that its decoder is given less to tell of.
 */
export function limitMessages(call: ServerInterceptingCallInterface, hasMany: boolean): void {
  const { decoder } = call as CallInside;
  if (!decoder) return;
  const write = decoder.write.bind(decoder);
  let room = MOST_OF_ONE;
  decoder.write = (data) => {
    const messages = write(data);
    if (hasMany) {
      if (messages.length > MOST_AT_ONCE)
        throw new Error(`Received more than ${MOST_AT_ONCE} messages at once`);
      return messages;
    }
    const taken = messages.slice(0, room);
    room -= taken.length;
    return taken;
  };
}
