import { type BackendHealth, type HealthCheck, HealthState } from "@seamless/sdk";
import { enumWord } from "./enum-word.js";

/** How backends are checked, in one line. */
export function formatHealthCheck(check: HealthCheck | undefined): string {
  if (!check) return "health checks: none";
  const { kind, intervalMs = 0, timeoutMs = 0, rise, fall } = check;
  const pace = `every ${intervalMs} ms, timeout ${timeoutMs} ms, rise ${rise}, fall ${fall}`;
  return `health checks: ${formatKind(kind)} ${pace}`;
}

/** What the checks of one backend say, and why the last one failed. */
export function formatHealth({ state, error }: BackendHealth): string {
  const word = state === HealthState.UNKNOWN ? "not checked yet" : enumWord(HealthState, state);
  return error === "" ? word : `${word} (${error})`;
}

function formatKind(kind: HealthCheck["kind"]): string {
  switch (kind?.$case) {
    case "http": {
      const { path, host, expectedStatus } = kind.value;
      const terms = [host && `host ${host}`, expectedStatus && `status ${expectedStatus}`].filter(Boolean);
      return `http:${path}${terms.length === 0 ? "" : ` (${terms.join(", ")})`}`;
    }
    case "grpc":
      return kind.value.service === "" ? "grpc" : `grpc:${kind.value.service}`;
    case "tcp":
      return "tcp";
    case undefined:
      return "unknown";
  }
}
