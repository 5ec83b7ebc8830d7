import type { HealthCheck } from "@seamless/proto";
import { invalidOption, requireText, requireUint32, show } from "./options.js";

/** How backends are checked, and how often. */
export type HealthCheckInput = CheckKind & CheckPace;

/** What is asked of a backend. */
export type CheckKind =
  /** A connection. */
  | { readonly type: "tcp" }
  | {
      /** An HTTP/1.1 GET request. */
      readonly type: "http";
      /** Path and query, starting with `/`. */
      readonly path: string;
      /** The Host header. Default: the backend's address. */
      readonly host?: string;
      /** Statuses that mean healthy: codes and ranges, such as `200-299,404`. Default: `200-299`. */
      readonly expectedStatus?: string;
    }
  | {
      /** The standard gRPC health service, without TLS. */
      readonly type: "grpc";
      /** Name of the service asked for. Default: the server as a whole. */
      readonly service?: string;
    };

/** How often, how patiently, and how many times. */
export interface CheckPace {
  /** Time between two checks. Milliseconds, at least 100; default: 2000. */
  readonly intervalMs?: number;
  /** Time for one check. Milliseconds, at least 10; default: 1000. */
  readonly timeoutMs?: number;
  /** Checks in a row that make an unhealthy backend healthy, 1 to 100. Default: 2. */
  readonly rise?: number;
  /** Checks in a row that make a healthy backend unhealthy, 1 to 100. Default: 2. */
  readonly fall?: number;
}

/**
 * Checks only what can't be sent: whether it makes sense is for the proxy to say.
 * @throws SeamlessError INVALID_OPTIONS
 */
export function toHealthCheck(check: HealthCheckInput | undefined, method: string): HealthCheck | undefined {
  if (check === undefined) return undefined;
  const number = (key: keyof CheckPace): number | undefined =>
    check[key] === undefined ? undefined : requireUint32(`healthCheck.${key}`, check[key], method);
  return {
    kind: toKind(check, method),
    intervalMs: number("intervalMs"),
    timeoutMs: number("timeoutMs"),
    rise: number("rise"),
    fall: number("fall"),
  };
}

function toKind(check: CheckKind, method: string): HealthCheck["kind"] {
  const text = (option: string, value: unknown): string =>
    requireText(`healthCheck.${option}`, value, method);
  switch (check.type) {
    case "tcp":
      return { $case: "tcp", value: {} };
    case "grpc":
      return { $case: "grpc", value: { service: text("service", check.service ?? "") } };
    case "http": {
      const { path, host = "", expectedStatus = "" } = check;
      const value = {
        path: text("path", path),
        host: text("host", host),
        expectedStatus: text("expectedStatus", expectedStatus),
      };
      return { $case: "http", value };
    }
    default:
      throw invalidOption(
        `healthCheck.type must be tcp, http or grpc, not ${show((check as { type?: unknown }).type)}`,
        method,
      );
  }
}
