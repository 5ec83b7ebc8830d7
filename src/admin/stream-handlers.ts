import type { SeamlessServiceServer } from "@seamless/proto";
import type { DeployStatus } from "../control/deploy-status.js";
import type { Management } from "../control/management.js";
import { isVisible } from "./access/access.js";
import type { Calls } from "./calls.js";
import { fromProtoDeploy, toProtoDeploy } from "./deploy-proto.js";
import { toProtoDrainStatus } from "./drain-proto.js";
import { toProtoFleet } from "./fleet-proto.js";
import { fromProtoPosition } from "./from-proto.js";
import type { Outlet, Streams } from "./streams.js";
import { toProtoState } from "./to-proto.js";

type StreamHandlers = Pick<
  SeamlessServiceServer,
  "watchBackends" | "watchDrain" | "deploy" | "watchDeploy" | "watchFleet"
>;

/** The rpcs that answer with a stream. */
export function createStreamHandlers(management: Management, streams: Streams, calls: Calls): StreamHandlers {
  return {
    watchBackends: (call) =>
      streams.open(call, ({ write }) =>
        calls.begin("watchBackends", call, () =>
          management
            .service(call.request.service)
            .watch(fromProtoPosition(call.request.after), (state) =>
              write({ state: toProtoState(state) }, 1 + state.backends.length),
            ),
        ),
      ),
    watchDrain: (call) =>
      streams.open(call, ({ write, end }) =>
        calls.begin("watchDrain", call, () =>
          management.service(call.request.service).watchDrains(call.request.addresses, (drains) => {
            const ready = write({ drains: drains.map(toProtoDrainStatus) }, 1 + drains.length);
            if (drains.every(({ state }) => state.phase === "ended")) setImmediate(end);
            return ready;
          }),
        ),
      ),
    watchFleet: (call) =>
      streams.open(call, ({ write }) =>
        calls.begin("watchFleet", call, ({ principal }) =>
          management.watchFleet((fleet) => {
            const items = fleet.members.flatMap(({ services }) =>
              services.flatMap(({ backends }) => backends),
            );
            return write(
              { fleet: toProtoFleet(fleet, (name) => isVisible(principal, name)) },
              1 + items.length,
            );
          }),
        ),
      ),
    deploy: (call) =>
      streams.open(call, async (outlet) => {
        const started = await calls.begin("deploy", call, (caller) =>
          management.service(call.request.service).deploy(fromProtoDeploy(call.request, caller)),
        );
        const watch = started.watch((status) => sendDeploy(outlet, status));
        return {
          resume: () => watch.resume(),
          close() {
            watch.close();
            started.callerLeft();
          },
        };
      }),
    watchDeploy: (call) =>
      streams.open(call, (outlet) =>
        calls.begin("watchDeploy", call, () =>
          management.service(call.request.service).watchDeploy((status) => sendDeploy(outlet, status)),
        ),
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
