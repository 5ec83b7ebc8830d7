import type { Logger } from "./logger.js";

/** Logs, but of each event at most so many lines a second; the next line says how many were left out. */
export type SampledLog = (level: "debug" | "warn", event: string, fields: object, message: string) => void;

export interface Sampling {
  /** Milliseconds, by a clock that nobody sets. */
  readonly now: () => number;
  /** 0: no limit. */
  readonly perSecond: number;
}

interface Window {
  readonly startedMs: number;
  lines: number;
}

export function createSampledLog(logger: Logger, { now, perSecond }: Sampling): SampledLog {
  const windows = new Map<string, Window>();
  const most = perSecond === 0 ? Infinity : perSecond;
  return (level, event, fields, message) => {
    const window = windows.get(event);
    const ageMs = window ? now() - window.startedMs : Infinity;
    if (window && ageMs < 1_000) {
      window.lines += 1;
      if (window.lines <= most) logger[level]({ event, ...fields }, message);
      return;
    }
    const leftOut = Math.max((window?.lines ?? 0) - most, 0);
    windows.set(event, { startedMs: now(), lines: 1 });
    logger[level]({ event, ...fields, ...(leftOut > 0 && { leftOut }) }, message);
  };
}
