import type { Fleet, GetFleetResponse, WatchFleetResponse } from "@seamless/proto";
import type { CallContext } from "./call-context.js";
import { ask } from "./calls.js";
import { follow, type FollowSettings, type Source } from "./follow.js";
import { present } from "./results.js";
import type { ServiceCallOptions } from "./services.js";

export async function fleet(context: CallContext, options: ServiceCallOptions): Promise<Fleet> {
  const answer = await ask<GetFleetResponse>(context, "fleet", options, (client, ...call) =>
    client.getFleet({}, ...call),
  );
  return present(answer.fleet, "fleet");
}

/** The states of the fleet. Each stream begins with the present one: there is nothing to go on behind. */
export function watchFleet(context: CallContext, settings: FollowSettings): AsyncIterable<Fleet> {
  const source: Source<WatchFleetResponse, Fleet> = {
    method: "watchFleet",
    open: (client) => client.watchFleet({}),
    read: (message) => message.fleet,
    isLast: () => false,
  };
  return follow(context, settings, () => source);
}
