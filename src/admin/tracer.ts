/** Follows the calls of management; see `../tracing/`, which is loaded only where somebody wants to see them. */
export interface Tracer {
  begin(call: CallStart): CallSpan;
}

/** A call as it comes in. Neither credentials nor messages of errors are told: a trace goes to another system. */
export interface CallStart {
  readonly name: string;
  readonly attributes: SpanAttributes;
  /** The W3C headers by which a caller names the span that this one is a part of. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** A call under way. */
export interface CallSpan {
  note(attributes: SpanAttributes): void;
  /**
   * What comes after it is ignored.
   * @param isFault the proxy is at fault, not its caller
   */
  end(isFault: boolean): void;
}

export type SpanAttributes = Readonly<Record<string, string | number>>;

const NO_SPAN: CallSpan = { note: () => undefined, end: () => undefined };
export const NO_TRACER: Tracer = { begin: () => NO_SPAN };

/** The attribute for the stable code of an error. */
export const ERROR_TYPE = "error.type";
