import { DeployRequest, type DeployStatus } from "@seamless/proto";
import { type BackendInput, toBackendSpecs } from "./backend-input.js";
import { requireUint64 } from "./call-options.js";
import { type DrainingChangeOptions, toDrainOptions } from "./drain-limits.js";
import { type HealthCheckInput, toHealthCheck } from "./health-check-input.js";
import { invalidOption, requireBoolean, requireUint32, show } from "./options.js";

/** Options of `deploy`. `timeoutMs` has no default here: a deploy takes as long as it takes. */
export interface DeployOptions extends DrainingChangeOptions {
  /** How long every new backend may take to become healthy. Milliseconds; default: 30000. */
  readonly healthTimeoutMs?: number;
  /** How the new backends are checked. Default: as the service's are, or `tcp` if those are not checked. */
  readonly healthCheck?: HealthCheckInput;
  /** Shares of new connections that the new backends get before the switch, in percent (1 to 99), rising. */
  readonly canaryPercents?: readonly number[];
  /** How long each of these shares is kept, or the first proxies are alone. Milliseconds; default: 60000. */
  readonly canaryStepMs?: number;
  /**
   * How long the old backends are kept warm after the switch, to return to them if the new ones fail. Milliseconds;
   * default: 0.
   */
  readonly bakeMs?: number;
  /**
   * New backends have failed, in a canary or bake, if more than this share of the connects to them in one second
   * failed, in percent. Default: 10.
   */
  readonly maxConnectFailurePercent?: number;
  /**
   * Deploy to all proxies that share the store: each of them judges the health of the new backends, and the deploy is
   * over when all have applied the new list and the old backends are empty on all of them. One that vanishes meanwhile
   * is not waited for; the verdict names it. Default: false, only this proxy is waited for.
   */
  readonly fleet?: boolean;
  /** With `fleet`: how many live proxies must find every new backend healthy. Default: 0, all of them. */
  readonly quorum?: number;
  /**
   * With `fleet`: so many proxies, the first by name, are switched first, for `canaryStepMs`, and the rest only if the
   * new backends do not fail meanwhile. Not together with `canaryPercents`. Default: 0, all in one step.
   */
  readonly firstProxies?: number;
  /** Called with each status, the one with the verdict included. Default: nothing is called. */
  readonly onProgress?: (status: DeployStatus) => void;
}

const NUMBERS = [
  "healthTimeoutMs",
  "canaryStepMs",
  "bakeMs",
  "maxConnectFailurePercent",
  "quorum",
  "firstProxies",
] as const;

/** @throws SeamlessError INVALID_OPTIONS naming the option */
export function toDeployRequest(
  service: string,
  backends: readonly BackendInput[],
  options: DeployOptions,
): DeployRequest {
  const { expectedRevision: expected, canaryPercents = [] } = options;
  if (!Array.isArray(canaryPercents))
    throw invalidOption(`canaryPercents must be an array, not ${show(canaryPercents)}`, "deploy");
  const fleet = requireBoolean("fleet", options.fleet ?? false, "deploy");
  requireFleetOptions(options);
  const numbers = NUMBERS.filter((key) => options[key] !== undefined).map((key) => {
    return [key, requireUint32(key, options[key], "deploy")] as const;
  });
  return DeployRequest.create({
    ...Object.fromEntries(numbers),
    service,
    fleet,
    backends: toBackendSpecs(backends, "deploy"),
    expectedRevision:
      expected === undefined ? undefined : requireUint64("expectedRevision", expected, "deploy"),
    healthCheck: toHealthCheck(options.healthCheck, "deploy"),
    drain: toDrainOptions(options.drain, "deploy"),
    canaryPercents: canaryPercents.map((percent) => requireUint32("canaryPercents", percent, "deploy")),
  });
}

/** Without `fleet` the proxy would deploy to itself alone, which is not what whoever names a quorum means. */
function requireFleetOptions({ fleet, quorum, firstProxies, canaryPercents = [] }: DeployOptions): void {
  for (const [option, value] of Object.entries({ quorum, firstProxies }))
    if (value !== undefined && !fleet) throw invalidOption(`${option} needs fleet: true`, "deploy");
  if (firstProxies !== undefined && canaryPercents.length > 0)
    throw invalidOption("firstProxies and canaryPercents exclude each other", "deploy");
}
