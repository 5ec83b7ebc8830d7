import { ExportResultCode, type ExportResult } from "@opentelemetry/core";
import type { SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.js";

const INTERVAL_MS = 60_000;

/** An exporter that says in the log what it could not send: once a minute at most, since batches fail every few seconds. */
export function tellLosses(
  exporter: SpanExporter,
  { logger, now }: { readonly logger: Logger; readonly now: () => number },
): SpanExporter {
  let lost = 0;
  let toldMs = -INTERVAL_MS;
  const tell = (error: Error | undefined): void => {
    if (now() - toldMs < INTERVAL_MS) return;
    logger.warn({ event: "spans-lost", spans: lost, reason: reasonOf(error) }, "traces could not be sent");
    toldMs = now();
    lost = 0;
  };
  return {
    export(spans, done) {
      exporter.export(spans, (result: ExportResult) => {
        if (result.code !== ExportResultCode.SUCCESS) {
          lost += spans.length;
          tell(result.error);
        }
        done(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

/** Not what the collector answers, which could repeat what was sent to it. */
function reasonOf(error: (Error & { readonly code?: unknown }) | undefined): string {
  const code = error?.code;
  return typeof code === "number" ? `the collector answered ${code}` : (error?.message ?? "unknown");
}
