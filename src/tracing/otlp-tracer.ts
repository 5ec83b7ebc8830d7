import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Context } from "@opentelemetry/api";
import { parseKeyPairsIntoRecord, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from "@opentelemetry/sdk-trace";
import type { CallStart, Tracer } from "../admin/tracer.js";
import type { OpenTracer, TracingOptions } from "./tracing.js";
import { tellLosses } from "./told-losses.js";
import type { TraceSettings } from "./trace-settings.js";

/** A collector that hangs must not keep a process that is stopping. */
const FLUSH_MS = 2_000;

/** Spans gathered and sent in batches by OTLP over HTTP; none of OpenTelemetry's global state is used. */
export function openOtlpTracer(
  settings: TraceSettings,
  { version, pid, logger }: TracingOptions,
): OpenTracer {
  const { url, timeoutMillis, serviceName, resourceAttributes } = settings;
  const wayThere = { url, ...(timeoutMillis !== undefined && { timeoutMillis }) };
  const exporter = tellLosses(new OTLPTraceExporter(wayThere), { logger, now: Date.now });
  const resource = defaultResource().merge(
    resourceFromAttributes({
      "service.name": "seamless",
      "service.version": version,
      "process.pid": pid,
      ...parseKeyPairsIntoRecord(resourceAttributes),
      ...(serviceName !== undefined && { "service.name": serviceName }),
    }),
  );
  const provider = new TracerProvider({
    resource,
    sampler: samplerOf(settings),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...withoutUndefined(settings.batch) })],
  });
  return { tracer: tracerOf(provider, version), close: () => within(FLUSH_MS, provider.shutdown()) };
}

function tracerOf(provider: TracerProvider, version: string): Tracer {
  const tracer = provider.getTracer("seamless", version);
  return {
    begin(call) {
      const { name, attributes } = call;
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parentOf(call));
      return {
        note: (more) => void span.setAttributes(more),
        end(isFault) {
          if (isFault) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
  };
}

const propagator = new W3CTraceContextPropagator();

function parentOf(call: CallStart): Context {
  return propagator.extract(ROOT_CONTEXT, call, {
    get: ({ traceparent, tracestate }: CallStart, key) => (key === "traceparent" ? traceparent : tracestate),
    keys: () => propagator.fields(),
  });
}

function samplerOf({ sampler, ratio }: Pick<TraceSettings, "sampler" | "ratio">): Sampler {
  switch (sampler) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(ratio);
    case "parentbased_always_on":
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case "parentbased_always_off":
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case "parentbased_traceidratio":
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  }
}

/** Resolves with the work, be it done or failed, or when the time is over. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
  await Promise.race([work.catch(() => undefined), over]);
  clearTimeout(timer);
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
