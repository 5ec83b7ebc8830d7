import type { handleUnaryCall, ServerUnaryCall } from "@grpc/grpc-js";
import type { SeamlessServiceServer } from "@seamless/proto";
import type { Management } from "../control/management.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { actorOf } from "./caller.js";
import { fromProtoDrain } from "./drain-proto.js";
import { fromProtoBackends, fromProtoChange, toCount } from "./from-proto.js";
import { toGrpcStatus } from "./grpc-status.js";
import { fromProtoHealthCheck } from "./health-proto.js";
import { createStreamHandlers } from "./stream-handlers.js";
import type { Streams } from "./streams.js";
import { toProtoHistory, toProtoProxyInfo, toProtoState } from "./to-proto.js";
import type { ChangeResult } from "../control/management.js";

/** No unary call takes longer, whatever deadline the client has set. */
const MAX_CALL_MS = 30_000;

/** The rpcs: translate, delegate, translate back. */
export function createGrpcHandlers(
  management: Management,
  streams: Streams,
  logger: Logger,
): SeamlessServiceServer {
  const unary = <Request, Response>(
    handle: (request: Request, actor: string) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> => {
    return (call: ServerUnaryCall<Request, Response>, callback) => {
      const actor = actorOf({ metadata: call.metadata, getPeer: () => call.getPeer() });
      withinTime(async () => handle(call.request, actor), MAX_CALL_MS).then(
        (response) => callback(null, response),
        (error: unknown) => callback(toGrpcStatus(error, logger)),
      );
    };
  };
  const of = (request: { readonly service: string }): ReturnType<Management["service"]> =>
    management.service(request.service);
  return {
    set: unary(async (request, actor) => {
      const backends = fromProtoBackends(request.backends);
      return toChanged(await of(request).set(backends, fromProtoChange(request, actor)));
    }),
    add: unary(async (request, actor) => {
      const backends = fromProtoBackends(request.backends);
      return toChanged(await of(request).add(backends, fromProtoChange(request, actor)));
    }),
    remove: unary(async (request, actor) =>
      toChanged(await of(request).remove(request.addresses, fromProtoChange(request, actor))),
    ),
    setWeights: unary(async (request, actor) => {
      const backends = fromProtoBackends(request.backends);
      return toChanged(await of(request).weigh(backends, fromProtoChange(request, actor)));
    }),
    undrain: unary(async (request, actor) =>
      toChanged(await of(request).undrain(request.addresses, fromProtoChange(request, actor))),
    ),
    rollback: unary(async (request, actor) => {
      const revision = request.revision === undefined ? undefined : toCount(request.revision);
      return toChanged(await of(request).rollback(revision, fromProtoChange(request, actor)));
    }),
    get: unary((request) => {
      const state = toProtoState(of(request).state());
      return { state, proxy: toProtoProxyInfo(management.proxyInfo()) };
    }),
    getHistory: unary((request) => ({ entries: of(request).history().map(toProtoHistory) })),
    changeDrain: unary((request) => {
      const limits = fromProtoDrain(request.options) ?? { spreadMs: 0 };
      return { state: toProtoState(of(request).changeDrain(request.addresses, limits)) };
    }),
    pause: unary(async (request) => toChanged(await of(request).pause(request))),
    resume: unary(async (request) => toChanged(await of(request).resume(request.pacePerSecond))),
    setHealthCheck: unary(async (request) =>
      toChanged(await of(request).setHealthCheck(fromProtoHealthCheck(request.healthCheck))),
    ),
    ...createStreamHandlers(management, streams),
  };
}

function toChanged({ state, changed }: ChangeResult): {
  state: ReturnType<typeof toProtoState>;
  changed: boolean;
} {
  return { state: toProtoState(state), changed };
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
