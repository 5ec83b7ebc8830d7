import {
  BackendState,
  type Backend,
  type ProxyInfo as ProtoProxyInfo,
  type ServiceState as ProtoServiceState,
} from "@seamless/proto";
import type { ProxyInfo } from "../control/management.js";
import type { BackendStatus, BackendView, ServiceState } from "../control/service-state.js";

const STATES: Readonly<Record<BackendStatus, BackendState>> = {
  active: BackendState.ACTIVE,
  unresolved: BackendState.UNRESOLVED,
  ejected: BackendState.EJECTED,
  draining: BackendState.DRAINING,
};

export function toProtoState(state: ServiceState): ProtoServiceState {
  return {
    service: state.service,
    instanceId: state.instanceId,
    revision: BigInt(state.revision),
    sequence: BigInt(state.sequence),
    backends: state.backends.map(toProtoBackend),
    listenAddresses: [...state.listenAddresses],
  };
}

export function toProtoProxyInfo(info: ProxyInfo): ProtoProxyInfo {
  return {
    ...info,
    startedUnixMs: BigInt(info.startedUnixMs),
    acceptedConnections: BigInt(info.acceptedConnections),
    refusedConnections: BigInt(info.refusedConnections),
    unservedConnections: BigInt(info.unservedConnections),
    services: [...info.services],
  };
}

function toProtoBackend({
  address,
  weight,
  status,
  resolvedAddresses,
  error,
  counters,
  drain,
}: BackendView): Backend {
  return {
    address,
    weight,
    state: STATES[status],
    resolvedAddresses: [...resolvedAddresses],
    error,
    counters: {
      activeConnections: counters.activeConnections,
      totalConnections: BigInt(counters.totalConnections),
      failedConnects: BigInt(counters.failedConnects),
      bytesIn: BigInt(counters.bytesIn),
      bytesOut: BigInt(counters.bytesOut),
    },
    drain: drain && { ...drain, startedUnixMs: BigInt(drain.startedUnixMs) },
  };
}
