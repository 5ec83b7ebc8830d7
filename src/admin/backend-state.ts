import { BackendState } from "@seamless/proto";
import type { BackendStatus } from "../control/service-state.js";

const STATES: Readonly<Record<BackendStatus, BackendState>> = {
  active: BackendState.ACTIVE,
  unresolved: BackendState.UNRESOLVED,
  ejected: BackendState.EJECTED,
  unhealthy: BackendState.UNHEALTHY,
  draining: BackendState.DRAINING,
};

export function toProtoBackendState(status: BackendStatus): BackendState {
  return STATES[status];
}
