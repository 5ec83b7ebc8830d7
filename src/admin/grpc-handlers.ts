import type { handleUnaryCall } from "@grpc/grpc-js";
import type { SeamlessServiceServer } from "@seamless/proto";
import type { Management } from "../control/management.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { fromProtoBackends, fromProtoCondition } from "./from-proto.js";
import { toGrpcStatus } from "./grpc-status.js";
import { toProtoProxyInfo, toProtoState } from "./to-proto.js";
import type { WatchStreams } from "./watch-streams.js";

/** No unary call takes longer, whatever deadline the client has set. */
const MAX_CALL_MS = 30_000;

/** The rpcs: translate, delegate, translate back. */
export function createGrpcHandlers(
  management: Management,
  watches: WatchStreams,
  logger: Logger,
): SeamlessServiceServer {
  const unary = <Request, Response>(
    handle: (request: Request) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> => {
    return ({ request }, callback) => {
      withinTime(async () => handle(request), MAX_CALL_MS).then(
        (response) => callback(null, response),
        (error: unknown) => callback(toGrpcStatus(error, logger)),
      );
    };
  };
  return {
    set: unary(async (request) => {
      const backends = fromProtoBackends(request.backends);
      const { state, changed } = await management
        .service(request.service)
        .set(backends, fromProtoCondition(request));
      return { state: toProtoState(state), changed };
    }),
    add: unary(async (request) => {
      const backends = fromProtoBackends(request.backends);
      const { state, changed } = await management
        .service(request.service)
        .add(backends, fromProtoCondition(request));
      return { state: toProtoState(state), changed };
    }),
    remove: unary(async (request) => {
      const service = management.service(request.service);
      const { state, changed } = await service.remove(request.addresses, fromProtoCondition(request));
      return { state: toProtoState(state), changed };
    }),
    get: unary(({ service }) => {
      const state = toProtoState(management.service(service).state());
      return { state, proxy: toProtoProxyInfo(management.proxyInfo()) };
    }),
    watchBackends: (call) => watches.open(call),
  };
}

async function withinTime<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    const error = new ProxyError("DEADLINE_EXCEEDED", `the call took longer than ${limitMs / 1_000} s`);
    // Not what keeps a process that is stopping alive.
    timer = setTimeout(reject, limitMs, error).unref();
  });
  try {
    return await Promise.race([work(), expired]);
  } finally {
    clearTimeout(timer);
  }
}
