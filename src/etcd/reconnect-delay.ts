const FIRST_MS = 50;
const MOST_MS = 500;

/**
 * How long to wait after so many failures in a row: not at all as long as there is an endpoint that wasn't tried, then
 * longer after each round. Between half and all of it, or all proxies would come back in the same moment.
 */
export function reconnectDelayMs(failures: number, endpoints: number, random = Math.random): number {
  const rounds = Math.floor(failures / endpoints);
  if (rounds === 0) return 0;
  return Math.min(MOST_MS, FIRST_MS * 2 ** (rounds - 1)) * (0.5 + random() / 2);
}
