import type { Checker } from "../control/checker.js";

/**
 * Lets only so many checks run at once, the others wait: a thousand backends must not take a thousand descriptors in
 * one instant. The time of a check begins when it does.
 */
export function limitChecker(checker: Checker, atOnce: number): Checker {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (subject, kind, { timeoutMs, signal }) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      signal.throwIfAborted();
      await checker(subject, kind, { timeoutMs, signal: AbortSignal.any([signal, timeout]) });
    } catch (error) {
      throw timeout.aborted ? new Error(`no answer within ${Math.round(timeoutMs)} ms`) : error;
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
