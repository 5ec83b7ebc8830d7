import { status, type handleServerStreamingCall, type handleUnaryCall } from "@grpc/grpc-js";
import type { Management, Watch } from "../control/management.js";
import { DEFAULT_SERVICE } from "../control/service-name.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { authorize, authorizeForAll, hideOthers, type Access } from "./access/access.js";
import { audited } from "./access/audit.js";
import { identifyCaller, type AnyCall, type Caller } from "./caller.js";
import { toGrpcStatus } from "./grpc-status.js";
import type { ManagementRefusals } from "./management-refusals.js";
import { FOR_ALL_SERVICES, METHOD_VERBS, type Method } from "./method-verbs.js";
import { beginRpcSpan } from "./rpc-span.js";
import type { Ended, Outlet, Streams } from "./streams.js";
import { serviceAttributes } from "./service-attributes.js";
import { NO_TRACER, type Tracer } from "./tracer.js";

/** What every call goes through: who asks, whether he may, how long it may take, and what is noted of it. */
export interface Calls {
  unary<Request, Response>(
    method: Method,
    handle: (request: Request, caller: Caller) => Response | Promise<Response>,
    limitMs?: number,
  ): handleUnaryCall<Request, Response>;
  stream<Request, Response>(
    method: Method,
    start: (request: Request, outlet: Outlet<Response>, caller: Caller) => Watch | Promise<Watch>,
  ): handleServerStreamingCall<Request, Response>;
}

export interface CallsOptions {
  readonly management: Management;
  readonly access: Access;
  readonly refusals: ManagementRefusals;
  readonly logger: Logger;
  readonly streams: Streams;
  readonly tracer?: Tracer | undefined;
}

type CallWithRequest = AnyCall & { readonly request: unknown };

/** No unary call takes longer unless it says so, whatever deadline the client has set. */
const MAX_CALL_MS = 30_000;

export function createCalls(options: CallsOptions): Calls {
  const { management, access, refusals, logger, streams, tracer = NO_TRACER } = options;
  /** @throws ProxyError UNAUTHENTICATED, PERMISSION_DENIED, and what `act` throws */
  const permitted = async <T>(
    method: Method,
    call: CallWithRequest,
    act: (caller: Caller) => T | Promise<T>,
  ): Promise<T> => {
    const service = serviceOf(call.request);
    const caller = identifyCaller(call, access);
    const perform = (): T | Promise<T> => {
      if (FOR_ALL_SERVICES.has(method)) authorizeForAll(caller.principal, METHOD_VERBS[method]);
      else authorize(caller.principal, METHOD_VERBS[method], service);
      return hideOthers(caller.principal, service, () => act(caller));
    };
    if (METHOD_VERBS[method] === "read") return perform();
    const { actor, from } = caller;
    const noted = { actor, from, call: method, service: service ?? "" };
    return audited(noted, { management, logger }, perform);
  };
  const follow = (method: Method, { metadata, request }: CallWithRequest): Ended => {
    const service = serviceOf(request);
    const attributes = serviceAttributes(management, service);
    const span = beginRpcSpan(tracer, { method, metadata, attributes });
    return (code, error) => {
      if (code === status.UNAUTHENTICATED) refusals.count("grpc", "unauthenticated");
      if (code === status.PERMISSION_DENIED) refusals.count("grpc", "forbidden");
      span.end(code, error, serviceAttributes(management, service, METHOD_VERBS[method]));
    };
  };
  return {
    unary:
      (method, handle, limitMs = MAX_CALL_MS) =>
      (call, callback) => {
        const ended = follow(method, call);
        withinTime(() => permitted(method, call, (caller) => handle(call.request, caller)), limitMs).then(
          (response) => {
            callback(null, response);
            ended(call.cancelled ? status.CANCELLED : status.OK);
          },
          (error: unknown) => {
            const answer = toGrpcStatus(error, logger);
            callback(answer);
            ended(answer.code, error);
          },
        );
      },
    stream: (method, start) => (call) =>
      streams.open(
        call,
        (outlet) => permitted(method, call, (caller) => start(call.request, outlet, caller)),
        follow(method, call),
      ),
  };
}

/** The service a request is about; undefined: none in particular. */
function serviceOf(request: unknown): string | undefined {
  const { service, name } = request as { readonly service?: string; readonly name?: string };
  return service === "" ? DEFAULT_SERVICE : (service ?? name);
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
