import type {
  Backend,
  HistoryEntry as ProtoHistoryEntry,
  Ledger as ProtoLedger,
  ProxyInfo as ProtoProxyInfo,
  Refusals as ProtoRefusals,
  ServiceState as ProtoServiceState,
} from "@seamless/proto";
import type { HistoryEntry } from "../control/history.js";
import type { Ledger } from "../control/ledger.js";
import type { ProxyInfo } from "../control/management.js";
import type { BackendView, ServiceState } from "../control/service-state.js";
import { toProtoBackendState } from "./backend-state.js";
import { toProtoDeploy, toProtoSpecs } from "./deploy-proto.js";
import { toProtoDrain, toProtoEnds } from "./drain-proto.js";
import { toProtoHealth, toProtoHealthCheck } from "./health-proto.js";
import { toProtoStore } from "./fleet-proto.js";
import { toProtoSettings } from "./settings-proto.js";

export function toProtoState(state: ServiceState): ProtoServiceState {
  return {
    service: state.service,
    instanceId: state.instanceId,
    revision: BigInt(state.revision),
    sequence: BigInt(state.sequence),
    backends: state.backends.map(toProtoBackend),
    listenAddresses: [...state.listenAddresses],
    healthCheck: state.healthCheck && toProtoHealthCheck(state.healthCheck),
    pause: state.pause && { ...state.pause, startedUnixMs: BigInt(state.pause.startedUnixMs) },
    deploy: state.deploy && toProtoDeploy(state.deploy),
    ledger: { ...toProtoLedger(state.ledger), refusals: toProtoRefusals(state.refusals) },
    heldConnections: state.heldConnections,
    settings: toProtoSettings(state.settings),
    acceptedConnections: BigInt(state.acceptedConnections),
    openConnections: state.openConnections,
  };
}

export function toProtoHistory({
  revision,
  atUnixMs,
  verb,
  actor,
  from,
  list,
  ledger,
}: HistoryEntry): ProtoHistoryEntry {
  return {
    revision: BigInt(revision),
    atUnixMs: BigInt(atUnixMs),
    verb,
    actor,
    from,
    backends: toProtoSpecs(list),
    ledger: ledger && toProtoLedger(ledger),
  };
}

function toProtoLedger({ ends, ...unserved }: Ledger): ProtoLedger {
  return {
    ends: toProtoEnds(ends),
    leftEarly: BigInt(unserved.leftEarly),
    connectFailed: BigInt(unserved.connectFailed),
    holdExpired: BigInt(unserved.holdExpired),
    refusedByLimit: BigInt(unserved.refusedByLimit),
    refusals: undefined,
  };
}

function toProtoRefusals(refusals: ServiceState["refusals"]): ProtoRefusals {
  return {
    connectionLimit: BigInt(refusals["connection-limit"]),
    descriptors: BigInt(refusals.descriptors),
    holdLimit: BigInt(refusals["hold-limit"]),
    serviceLimit: BigInt(refusals["service-limit"]),
    clientLimit: BigInt(refusals["client-limit"]),
    acceptRate: BigInt(refusals["accept-rate"]),
    proxyHeader: BigInt(refusals["proxy-header"]),
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
    store: toProtoStore(info.store),
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
  health,
}: BackendView): Backend {
  return {
    address,
    weight,
    state: toProtoBackendState(status),
    resolvedAddresses: [...resolvedAddresses],
    error,
    counters: {
      activeConnections: counters.activeConnections,
      totalConnections: BigInt(counters.totalConnections),
      failedConnects: BigInt(counters.failedConnects),
      bytesIn: BigInt(counters.bytesIn),
      bytesOut: BigInt(counters.bytesOut),
      ends: toProtoEnds(counters.ends),
    },
    drain: drain && toProtoDrain(drain.drain, drain.oldestUnixMs),
    health: health && toProtoHealth(health),
  };
}
