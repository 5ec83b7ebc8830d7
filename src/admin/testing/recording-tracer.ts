import type { CallStart, SpanAttributes, Tracer } from "../tracer.js";

/** A span as it stands. */
export interface RecordedSpan extends Pick<CallStart, "name" | "traceparent" | "tracestate"> {
  readonly attributes: Record<string, SpanAttributes[string]>;
  /** "open" until its end. */
  state: "open" | "ok" | "fault";
}

/** A tracer that only remembers; in order of beginning. */
export function createRecordingTracer(): Tracer & { readonly spans: readonly RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  return {
    spans,
    begin({ attributes, ...call }) {
      const span: RecordedSpan = { ...call, attributes: { ...attributes }, state: "open" };
      spans.push(span);
      const isOpen = (): boolean => span.state === "open";
      return {
        note(more) {
          if (isOpen()) Object.assign(span.attributes, more);
        },
        end(isFault) {
          if (isOpen()) span.state = isFault ? "fault" : "ok";
        },
      };
    },
  };
}
