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
      ? pino(
          { ...base, formatters: { level: (label) => ({ level: label }) } },
          writeTo(sink, (line) => line),
        )
      : pino(base, writeTo(sink, await asText(options)));
  return logger;
}

async function asText({ colour }: LoggerOptions): Promise<(line: string) => string> {
  const { prettyFactory } = await import("pino-pretty");
  return prettyFactory({ colorize: colour, singleLine: true, ignore: "event" });
}

function writeTo(sink: LogSink, format: (line: string) => string): DestinationStream {
  const destination = {
    write: (line: string) => sink.write(format(line).replace(UNSEEN, escaped)),
    flush: () => sink.flush(),
  };
  return destination;
}

/**
 * What may be in a name that somebody has asked for, and JSON leaves as it is: DEL and the C1 controls, of which U+009B begins
 * an escape sequence as ESC [ does, and what ends a line or turns the direction of the text.
 */
const UNSEEN = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
