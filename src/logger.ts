import { pino, type Logger } from "pino";

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

/** Lines of text for people, or one JSON object per line; every line names its `event`. */
export async function createLogger({ level, format, descriptor, colour }: LoggerOptions): Promise<Logger> {
  const base = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination = pino.destination({ dest: descriptor, sync: true });
  // Whoever read the log is gone; that is no reason to end.
  destination.on("error", () => undefined);
  if (format === "json")
    return pino({ ...base, formatters: { level: (label) => ({ level: label }) } }, destination);
  const { PinoPretty } = await import("pino-pretty");
  return pino(
    base,
    PinoPretty({ destination, colorize: colour, singleLine: true, ignore: "event", sync: true }),
  );
}
