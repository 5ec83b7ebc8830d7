import { HealthState, type BackendHealth, type HealthCheck as ProtoHealthCheck } from "@seamless/proto";
import type { CheckKind, HealthCheck, HealthCheckRequest } from "../control/health-check.js";
import type { Health } from "../control/health.js";
import { ProxyError } from "../errors.js";

const STATES = {
  unknown: HealthState.UNKNOWN,
  healthy: HealthState.HEALTHY,
  unhealthy: HealthState.UNHEALTHY,
} as const;

export function toProtoHealth({ state, error, checkedUnixMs }: Health): BackendHealth {
  return { state: STATES[state], error, checkedUnixMs: BigInt(checkedUnixMs ?? 0) };
}

export function toProtoHealthCheck({ kind, ...pace }: HealthCheck): ProtoHealthCheck {
  return { kind: toProtoKind(kind), ...pace };
}

/** @throws ProxyError INVALID_ARGUMENT */
export function fromProtoHealthCheck(check: ProtoHealthCheck | undefined): HealthCheckRequest | undefined {
  return check && { ...check, kind: fromProtoKind(check.kind) };
}

function toProtoKind(kind: CheckKind): ProtoHealthCheck["kind"] {
  switch (kind.type) {
    case "tcp":
      return { $case: "tcp", value: {} };
    case "http":
      return { $case: "http", value: kind };
    case "grpc":
      return { $case: "grpc", value: kind };
  }
}

function fromProtoKind(kind: ProtoHealthCheck["kind"]): CheckKind {
  switch (kind?.$case) {
    case "tcp":
      return { type: "tcp" };
    case "http": {
      const { path, host, expectedStatus } = kind.value;
      return { type: "http", path, host, expectedStatus };
    }
    case "grpc":
      return { type: "grpc", service: kind.value.service };
    case undefined:
      throw new ProxyError("INVALID_ARGUMENT", "health check: one of tcp, http and grpc must be given");
  }
}
