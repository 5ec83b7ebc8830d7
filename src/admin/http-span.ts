import type { IncomingMessage } from "node:http";
import type { HttpAnswer } from "./http-answer.js";
import { ERROR_TYPE, type CallSpan, type Tracer } from "./tracer.js";

/** A request of the shim in a trace, by OpenTelemetry's semantic conventions for HTTP. */
export interface HttpSpan extends Pick<CallSpan, "note"> {
  /** @param answer undefined: none could be given */
  end(answer: HttpAnswer | undefined): void;
}

export interface TracedRequest {
  readonly request: IncomingMessage;
  /** undefined: there is no such route. What stands in its place is the client's own text, and is not told. */
  readonly route: string | undefined;
  readonly scheme: "http" | "https";
}

const METHODS: readonly string[] = [
  "CONNECT",
  "DELETE",
  "GET",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "POST",
  "PUT",
  "TRACE",
];

export function beginHttpSpan(tracer: Tracer, { request, route, scheme }: TracedRequest): HttpSpan {
  const { headers } = request;
  const method = METHODS.find((known) => known === request.method);
  const span = tracer.begin({
    name: [method ?? "HTTP", route ?? ""].join(" ").trim(),
    attributes: {
      "http.request.method": method ?? "_OTHER",
      "url.scheme": scheme,
      ...(route !== undefined && { "http.route": route, "url.path": route }),
    },
    traceparent: headers["traceparent"] as string | undefined,
    tracestate: [headers["tracestate"] ?? []].flat().join(",") || undefined,
  });
  return {
    note: (attributes) => span.note(attributes),
    end(answer) {
      const status = answer?.status ?? 500;
      span.note({
        ...(answer && { "http.response.status_code": status }),
        ...(status >= 400 && { [ERROR_TYPE]: answer?.reason ?? String(status) }),
      });
      span.end(status >= 500);
    },
  };
}
