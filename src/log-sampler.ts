import type { Logger } from "./logger.js";

/** Warns, but at most `perSecond` times a second for each event; the next line says how many were left out. */
export type SampledWarning = (event: string, fields: object, message: string) => void;

interface Window {
  readonly startedMs: number;
  lines: number;
}

export function createSampledWarning(logger: Logger, now: () => number, perSecond = 10): SampledWarning {
  const windows = new Map<string, Window>();
  return (event, fields, message) => {
    const window = windows.get(event);
    if (window && now() - window.startedMs < 1_000) {
      window.lines += 1;
      if (window.lines <= perSecond) logger.warn({ event, ...fields }, message);
      return;
    }
    const leftOut = Math.max((window?.lines ?? 0) - perSecond, 0);
    windows.set(event, { startedMs: now(), lines: 1 });
    logger.warn({ event, ...fields, ...(leftOut > 0 && { leftOut }) }, message);
  };
}
