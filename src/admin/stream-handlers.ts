import type { SeamlessServiceServer } from "@seamless/proto";
import type { DeployStatus } from "../control/deploy-status.js";
import type { Management } from "../control/management.js";
import { isVisible } from "./access/access.js";
import type { Calls } from "./calls.js";
import { fromProtoDeploy, toProtoDeploy } from "./deploy-proto.js";
import { toProtoDrainStatus } from "./drain-proto.js";
import { toProtoFleet } from "./fleet-proto.js";
import { fromProtoPosition } from "./from-proto.js";
import type { Outlet } from "./streams.js";
import { toProtoState } from "./to-proto.js";

type StreamHandlers = Pick<
  SeamlessServiceServer,
  "watchBackends" | "watchDrain" | "deploy" | "watchDeploy" | "watchFleet"
>;

/** The rpcs that answer with a stream. */
export function createStreamHandlers(management: Management, calls: Calls): StreamHandlers {
  return {
    watchBackends: calls.stream("watchBackends", (request, { write }) =>
      management
        .service(request.service)
        .watch(fromProtoPosition(request.after), (state) =>
          write({ state: toProtoState(state) }, 1 + state.backends.length),
        ),
    ),
    watchDrain: calls.stream("watchDrain", (request, { write, end }) =>
      management.service(request.service).watchDrains(request.addresses, (drains) => {
        const ready = write({ drains: drains.map(toProtoDrainStatus) }, 1 + drains.length);
        if (drains.every(({ state }) => state.phase === "ended")) setImmediate(end);
        return ready;
      }),
    ),
    watchFleet: calls.stream("watchFleet", (_, { write }, { principal }) =>
      management.watchFleet((fleet) => {
        const items = fleet.members.flatMap(({ services }) => services.flatMap(({ backends }) => backends));
        const visible = toProtoFleet(fleet, (name) => isVisible(principal, name));
        return write({ fleet: visible }, 1 + items.length);
      }),
    ),
    deploy: calls.stream("deploy", async (request, outlet, caller) => {
      const started = await management.service(request.service).deploy(fromProtoDeploy(request, caller));
      const watch = started.watch((status) => sendDeploy(outlet, status));
      return {
        resume: () => watch.resume(),
        close() {
          watch.close();
          started.callerLeft();
        },
      };
    }),
    watchDeploy: calls.stream("watchDeploy", (request, outlet) =>
      management.service(request.service).watchDeploy((status) => sendDeploy(outlet, status)),
    ),
  };
}

function sendDeploy(
  { write, end }: Outlet<{ status: ReturnType<typeof toProtoDeploy> }>,
  status: DeployStatus,
): boolean {
  const items = 1 + status.backends.length + status.candidates.length + status.drains.length;
  const ready = write({ status: toProtoDeploy(status) }, items);
  // In a later turn: the watch that this may be the first value of is not known yet.
  if (status.verdict) setImmediate(end);
  return ready;
}
