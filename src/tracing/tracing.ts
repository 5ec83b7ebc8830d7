import { NO_TRACER, type Tracer } from "../admin/tracer.js";
import type { Logger } from "../logger.js";
import { readTraceSettings, type Environment } from "./trace-settings.js";

/** The tracing of a process. */
export interface Tracing {
  /** At the first call it loads what it needs; that takes 100 ms, which clients of the proxy must not wait for. */
  tracer(): Promise<Tracer>;
  /** Sends what is left, within a bound. */
  close(): Promise<void>;
}

export interface TracingOptions {
  readonly version: string;
  readonly pid: number;
  readonly logger: Logger;
}

/** A tracer with a connection to where its spans go. */
export interface OpenTracer {
  readonly tracer: Tracer;
  close(): Promise<void>;
}

const NOWHERE: OpenTracer = { tracer: NO_TRACER, close: () => Promise.resolve() };

/** Traces if the environment names an endpoint for them. What is wrong there is told, and no reason not to start. */
export function createTracing(environment: Environment, options: TracingOptions): Tracing {
  let opened: Promise<OpenTracer> | undefined;
  return {
    tracer: async () => (await (opened ??= open(environment, options))).tracer,
    close: async () => (await opened)?.close(),
  };
}

async function open(environment: Environment, options: TracingOptions): Promise<OpenTracer> {
  const { logger } = options;
  try {
    const settings = readTraceSettings(environment);
    if (!settings) return NOWHERE;
    const { openOtlpTracer } = await import("./otlp-tracer.js");
    const opened = openOtlpTracer(settings, options);
    const { host: collector } = new URL(settings.url);
    logger.info({ event: "tracing", collector, sampler: settings.sampler }, "management calls are traced");
    return opened;
  } catch (error) {
    const reason = (error as Error).message;
    logger.warn({ event: "not-traced", reason }, "management calls are not traced");
    return NOWHERE;
  }
}
