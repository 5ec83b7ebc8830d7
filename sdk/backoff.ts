/** How the SDK tries again when no proxy answers. */
export interface RetryOptions {
  /** Most attempts, the first included; 1 never retries. Default: 4. */
  readonly attempts?: number;
  /** Wait before the second attempt, doubled before each further one. Milliseconds; default: 100. */
  readonly initialDelayMs?: number;
  /** Longest wait between two attempts. Milliseconds; default: 2000. */
  readonly maxDelayMs?: number;
}

const JITTER = 0.25;

/**
 * Wait after the `failures`-th failure in a row (from 1). Up to a quarter shorter at random, so that clients
 * that lost their proxy together don't come back together.
 */
export function backoffDelayMs(
  failures: number,
  retry: Required<RetryOptions>,
  random: () => number,
): number {
  const doubledMs = retry.initialDelayMs * 2 ** (failures - 1);
  return Math.min(doubledMs, retry.maxDelayMs) * (1 - JITTER * random());
}
