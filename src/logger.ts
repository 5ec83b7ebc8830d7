import { pino, type DestinationStream, type Logger } from "pino";
import { LogSink } from "./log-sink.js";

export type { Logger } from "pino";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export const LOG_FORMATS = ["text", "json"] as const;

export interface LoggerOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  readonly format: (typeof LOG_FORMATS)[number];
  /** File descriptor to write to. */
  readonly descriptor: number;
  readonly colour: boolean;
}

/**
 * Lines of text for people, or one JSON object per line; every line names its `event`. To be flushed before the process
 * ends.
 */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const { level, format, descriptor } = options;
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const lost = (lines: number): void =>
    logger.warn({ event: "lines-lost", lines }, "nobody has read the log for a while; it misses lines");
  const sink = new LogSink({ descriptor, lost });
  const logger =
    format === "json"
      ? pino({ ...base, formatters: { level: (label) => ({ level: label }) } }, sink)
      : pino(base, await asText(sink, options));
  return logger;
}

async function asText(sink: LogSink, { colour }: LoggerOptions): Promise<DestinationStream> {
  const { prettyFactory } = await import("pino-pretty");
  const pretty = prettyFactory({ colorize: colour, singleLine: true, ignore: "event" });
  const destination = { write: (line: string) => sink.write(pretty(line)), flush: () => sink.flush() };
  return destination;
}
