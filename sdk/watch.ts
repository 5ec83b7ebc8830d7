import type { ServiceState, WatchBackendsResponse } from "@seamless/proto";
import type { CallContext } from "./call-context.js";
import { follow, type Source } from "./follow.js";
import { isNews, toPosition, type WatchSettings } from "./watch-options.js";

/** The states of a service, over one stream after the other. */
export function watchStates(context: CallContext, settings: WatchSettings): AsyncIterable<ServiceState> {
  return follow(context, settings, () => createStateSource(settings));
}

/** The next stream goes on behind the last state handed out, whatever the broken one had in its buffers. */
function createStateSource({ service, after }: WatchSettings): Source<WatchBackendsResponse, ServiceState> {
  let position = after;
  return {
    method: "watch",
    open: (client) => client.watchBackends({ service, after: position }),
    read({ state }) {
      if (!state || !isNews(state, position)) return undefined;
      position = toPosition(state);
      return state;
    },
    isLast: () => false,
  };
}
