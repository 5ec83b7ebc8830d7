import type { Option } from "commander";
import {
  completeHealthCheck,
  DEFAULT_CHECK,
  DEFAULT_EXPECTED_STATUS,
  parseCheckKind,
  type CheckKind,
  type HealthCheck,
} from "../control/health-check.js";
import { countFlag, durationFlag, flag, understood } from "./flag.js";

/** What the command line says about health checks. */
export interface HealthFlags {
  readonly health?: CheckKind;
  readonly healthHost?: string;
  readonly healthStatus?: string;
  readonly healthInterval: number;
  readonly healthTimeout: number;
  readonly healthRise: number;
  readonly healthFall: number;
}

export function healthFlags(): readonly Option[] {
  const { intervalMs, timeoutMs, rise, fall } = DEFAULT_CHECK;
  return [
    flag("--health <kind>", "check backends: tcp, http:/path or grpc[:service]").argParser((text) =>
      understood(() => parseCheckKind(text)),
    ),
    flag("--health-host <host>", "Host header of http checks (default: the backend's address)"),
    flag("--health-status <codes>", `healthy statuses of http checks (default: ${DEFAULT_EXPECTED_STATUS})`),
    durationFlag("--health-interval <time>", "between two checks of a backend", intervalMs),
    durationFlag("--health-timeout <time>", "for one check", timeoutMs),
    countFlag("--health-rise <count>", "checks in a row until healthy", rise),
    countFlag("--health-fall <count>", "checks in a row until unhealthy", fall),
  ];
}

/** @throws ProxyError INVALID_ARGUMENT */
export function toHealthCheck(flags: HealthFlags): HealthCheck | undefined {
  if (!flags.health) return undefined;
  const { healthHost: host = "", healthStatus: expectedStatus = "" } = flags;
  const kind = flags.health.type === "http" ? { ...flags.health, host, expectedStatus } : flags.health;
  return completeHealthCheck({
    kind,
    intervalMs: flags.healthInterval,
    timeoutMs: flags.healthTimeout,
    rise: flags.healthRise,
    fall: flags.healthFall,
  });
}
