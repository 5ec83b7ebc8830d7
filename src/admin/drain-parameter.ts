import type { Drain } from "../control/drain.js";
import type { ManagedService } from "../control/management.js";
import { parseDuration } from "../duration.js";
import { ProxyError } from "../errors.js";

/** `drain=30s`: how long connections may go on; undefined if it is not given. @throws ProxyError INVALID_ARGUMENT */
export function drainParameter(parameters: URLSearchParams): number | undefined {
  const text = parameters.get("drain");
  if (text === null) return undefined;
  const limitMs = parseDuration(text);
  if (limitMs !== undefined) return limitMs;
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `'${text.slice(0, 80)}' is not a duration such as 500ms, 30s, 2m or 0`,
  );
}

/** Waits until the drains of these backends have ended, and answers a line about each. */
export async function awaitDrains(
  service: ManagedService,
  addresses: readonly string[],
  left: AbortSignal,
): Promise<readonly string[]> {
  if (addresses.length === 0) return [];
  const drains = await new Promise<readonly Drain[]>((resolve) => {
    const watch = service.watchDrains(addresses, (now) => {
      if (now.every(({ state }) => state.phase === "ended")) resolve(now);
      return true;
    });
    left.addEventListener("abort", () => {
      watch.close();
      resolve([]);
    });
  });
  return drains.map(describe);
}

function describe({ id, state, now, atStart, startedUnixMs }: Drain): string {
  if (state.phase !== "ended") return `${id}: draining`;
  const seconds = ((state.endedUnixMs - startedUnixMs) / 1_000).toFixed(1);
  const cut = now.ends.drain + now.ends.shutdown - atStart.ends.drain - atStart.ends.shutdown;
  if (state.outcome === "taken-back") return `${id}: back in the list after ${seconds}s`;
  return state.outcome === "cut" || cut > 0
    ? `${id}: cut after ${seconds}s, ${cut} connections`
    : `${id}: empty after ${seconds}s`;
}
