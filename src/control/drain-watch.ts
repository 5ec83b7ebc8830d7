import { ProxyError } from "../errors.js";
import type { DrainKeeper } from "./drain-keeper.js";
import type { Drain } from "./drain.js";
import type { Watch } from "./management.js";

/**
 * Sends how some drains are, whenever that may have changed, until all have ended. A drain that is begun anew meanwhile
 * is followed, too; one that is remembered no longer is sent as it was last seen.
 *
 * @param ids none: those that are under way now
 * @throws ProxyError DRAIN_NOT_FOUND (details: `address`)
 */
export function watchDrains(
  keeper: DrainKeeper,
  ids: readonly string[],
  send: (drains: readonly Drain[]) => boolean,
): Watch {
  let seen = ids.length === 0 ? keeper.running : ids.map((id) => requireKnown(keeper, id));
  let ready = true;
  let owed = true;
  const look = (): void => {
    const now = seen.map((drain) => keeper.find(drain.id) ?? drain);
    owed ||= now.some((drain, i) => drain !== seen[i]);
    seen = now;
    if (!ready || !owed) return;
    owed = false;
    ready = send(seen);
    if (seen.every(({ state }) => state.phase === "ended")) unwatch();
  };
  const unwatch = keeper.onChange(look);
  look();
  return {
    resume() {
      ready = true;
      look();
    },
    close: unwatch,
  };
}

function requireKnown(keeper: DrainKeeper, id: string): Drain {
  const drain = keeper.find(id);
  if (drain) return drain;
  const text = `backend '${id}' is not draining, and no drain of it has ended lately`;
  throw new ProxyError("DRAIN_NOT_FOUND", text, { details: { address: id } });
}
