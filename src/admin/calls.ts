import type { handleUnaryCall } from "@grpc/grpc-js";
import type { Management } from "../control/management.js";
import { DEFAULT_SERVICE } from "../control/service-name.js";
import { ProxyError } from "../errors.js";
import type { Logger } from "../logger.js";
import { authorize, type Access } from "./access/access.js";
import { audited } from "./access/audit.js";
import { identifyCaller, type AnyCall, type Caller } from "./caller.js";
import { toGrpcStatus } from "./grpc-status.js";
import { METHOD_VERBS, type Method } from "./method-verbs.js";

/** What every call goes through: who asks, whether he may, how long it may take, and what is noted of it. */
export interface Calls {
  unary<Request, Response>(
    method: Method,
    handle: (request: Request, caller: Caller) => Response | Promise<Response>,
    limitMs?: number,
  ): handleUnaryCall<Request, Response>;
  /** The beginning of a stream. @throws ProxyError UNAUTHENTICATED, PERMISSION_DENIED, and what `begin` throws */
  begin<T>(
    method: Method,
    call: AnyCall & { readonly request: unknown },
    begin: (caller: Caller) => T | Promise<T>,
  ): Promise<T>;
}

export interface CallsOptions {
  readonly management: Management;
  readonly access: Access;
  readonly logger: Logger;
}

/** No unary call takes longer unless it says so, whatever deadline the client has set. */
const MAX_CALL_MS = 30_000;

export function createCalls({ management, access, logger }: CallsOptions): Calls {
  const begin: Calls["begin"] = async (method, call, act) => {
    const service = serviceOf(call.request);
    const caller = identifyCaller(call, access);
    const perform = (): ReturnType<typeof act> => {
      authorize(caller.principal, METHOD_VERBS[method], service);
      return act(caller);
    };
    if (METHOD_VERBS[method] === "read") return perform();
    const { actor, from } = caller;
    const noted = { actor, from, call: method, service: service ?? "" };
    return audited(noted, { management, logger }, perform);
  };
  return {
    begin,
    unary:
      (method, handle, limitMs = MAX_CALL_MS) =>
      (call, callback) => {
        withinTime(() => begin(method, call, (caller) => handle(call.request, caller)), limitMs).then(
          (response) => callback(null, response),
          (error: unknown) => callback(toGrpcStatus(error, logger)),
        );
      },
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
