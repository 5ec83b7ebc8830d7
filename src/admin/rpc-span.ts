import { status, type Metadata } from "@grpc/grpc-js";
import { SeamlessServiceService } from "@seamless/proto";
import { ProxyError } from "../errors.js";
import { textOf } from "./caller.js";
import type { Method } from "./method-verbs.js";
import { ERROR_TYPE, type SpanAttributes, type Tracer } from "./tracer.js";

/** A gRPC call in a trace, by OpenTelemetry's semantic conventions for RPC. */
export interface RpcSpan {
  end(code: status, error: unknown, attributes: SpanAttributes): void;
}

export interface TracedRpc {
  readonly method: Method;
  readonly metadata: Metadata;
  readonly attributes: SpanAttributes;
}

/** The codes for which the server is at fault; the others tell a client about its own request. */
const FAULTS: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

export function beginRpcSpan(tracer: Tracer, { method, metadata, attributes }: TracedRpc): RpcSpan {
  const name = SeamlessServiceService[method].path.slice(1);
  const [rpcService = "", rpcMethod = ""] = name.split("/");
  const span = tracer.begin({
    name,
    attributes: {
      "rpc.system": "grpc",
      "rpc.service": rpcService,
      "rpc.method": rpcMethod,
      ...attributes,
    },
    traceparent: textOf(metadata, "traceparent"),
    tracestate: textOf(metadata, "tracestate"),
  });
  return {
    end(code, error, more) {
      const reason = error instanceof ProxyError ? error.code : "INTERNAL";
      span.note({
        "rpc.grpc.status_code": code,
        ...(error !== undefined && { [ERROR_TYPE]: reason }),
        ...more,
      });
      span.end(FAULTS.has(code));
    },
  };
}
