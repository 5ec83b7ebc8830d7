import type { CheckKind, HealthCheckInput } from "@seamless/sdk";
import { InvalidArgumentError, Option, type Command } from "commander";
import { durationOption } from "./duration.js";
import { parseCount } from "./number-argument.js";

/** How often and how patiently backends are checked. */
export interface HealthFlags {
  readonly host?: string;
  readonly status?: string;
  readonly interval?: number;
  readonly timeoutPerCheck?: number;
  readonly rise?: number;
  readonly fall?: number;
}

/** For commander: `tcp`, `http:/path` or `grpc[:service]`. */
export function parseCheckKind(text: string): CheckKind {
  const colon = text.indexOf(":");
  const [type, rest] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  if (text === "tcp") return { type: "tcp" };
  if (type === "http" && rest.startsWith("/")) return { type, path: rest };
  if (type === "grpc") return { type, service: rest };
  throw new InvalidArgumentError("Expected tcp, http:/path or grpc[:service].");
}

/** @param prefix of the options' names, where they stand beside others */
export function addHealthOptions(command: Command, prefix = ""): Command {
  return command
    .addOption(new Option(`--${prefix}host <host>`, "Host header of http checks"))
    .addOption(new Option(`--${prefix}status <codes>`, "healthy statuses of http checks, as in 200-299,404"))
    .addOption(durationOption(`--${prefix}interval <time>`, "between two checks of a backend"))
    .addOption(durationOption(`--${prefix}timeout-per-check <time>`, "for one check"))
    .addOption(new Option(`--${prefix}rise <count>`, "checks in a row until healthy").argParser(parseCount))
    .addOption(
      new Option(`--${prefix}fall <count>`, "checks in a row until unhealthy").argParser(parseCount),
    );
}

/** Why these options make no sense beside this kind of check; undefined: they do. */
export function misplacedHealthFlags(
  kind: CheckKind | "none" | undefined,
  { host, status, interval, timeoutPerCheck, rise, fall }: HealthFlags,
): string | undefined {
  const isGiven = (value: unknown): boolean => value !== undefined;
  const ofHttp = [host, status].some(isGiven);
  if (kind === undefined || kind === "none") {
    const any = ofHttp || [interval, timeoutPerCheck, rise, fall].some(isGiven);
    return any ? "options of a check need its kind: tcp, http:/path or grpc[:service]" : undefined;
  }
  return ofHttp && kind.type !== "http" ? "a host or a status is only for http checks" : undefined;
}

export function toHealthCheck(kind: CheckKind, flags: HealthFlags): HealthCheckInput {
  const { host, status, interval, timeoutPerCheck, rise, fall } = flags;
  const http =
    kind.type === "http"
      ? { ...(host !== undefined && { host }), ...(status !== undefined && { expectedStatus: status }) }
      : {};
  return {
    ...kind,
    ...http,
    ...(interval !== undefined && { intervalMs: interval }),
    ...(timeoutPerCheck !== undefined && { timeoutMs: timeoutPerCheck }),
    ...(rise !== undefined && { rise }),
    ...(fall !== undefined && { fall }),
  };
}
