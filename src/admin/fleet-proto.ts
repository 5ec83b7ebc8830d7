import type { Fleet as ProtoFleet, FleetProxy, StoreStatus as ProtoStoreStatus } from "@seamless/proto";
import type { FleetMember, StoreStatus } from "../control/fleet.js";
import type { FleetView } from "../control/management.js";
import { toProtoBackendState } from "./backend-state.js";

/** @param isVisible whether a service is for whoever asks */
export function toProtoFleet(
  { self, members, store }: FleetView,
  isVisible: (service: string) => boolean,
): ProtoFleet {
  return {
    proxies: members.map((member) => toProtoMember(member, self, isVisible)),
    store: toProtoStore(store),
  };
}

export function toProtoStore({ kind, available, staleSinceUnixMs, error }: StoreStatus): ProtoStoreStatus {
  return { kind, available, staleSinceUnixMs: BigInt(staleSinceUnixMs ?? 0), error };
}

function toProtoMember(
  { id, name, version, startedUnixMs, sharesName, services }: FleetMember,
  self: string,
  isVisible: (service: string) => boolean,
): FleetProxy {
  return {
    id,
    name,
    version,
    startedUnixMs: BigInt(startedUnixMs),
    self: id === self,
    sharesName,
    services: services
      .filter(({ service }) => isVisible(service))
      .map(({ service, revision, openConnections, backends }) => ({
        service,
        revision: BigInt(revision),
        openConnections,
        backends: backends.map(({ address, status, open }) => {
          return { address, state: toProtoBackendState(status), openConnections: open };
        }),
      })),
  };
}
