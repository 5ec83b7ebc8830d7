import { ProxyError } from "../errors.js";

/** How the backends of a service are checked, complete and found to be right. */
export interface HealthCheck {
  readonly kind: CheckKind;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
}

export type CheckKind =
  | { readonly type: "tcp" }
  | {
      readonly type: "http";
      readonly path: string;
      /** The Host header; "": the backend's address. */
      readonly host: string;
      /** Codes and ranges, such as `200-299,404`. */
      readonly expectedStatus: string;
    }
  | { readonly type: "grpc"; readonly service: string };

/** As a request or the command line says it; what is left out has its default. */
export interface HealthCheckRequest {
  readonly kind: CheckKind;
  readonly intervalMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly rise?: number | undefined;
  readonly fall?: number | undefined;
}

export const DEFAULT_CHECK = { intervalMs: 2_000, timeoutMs: 1_000, rise: 2, fall: 2 } as const;
export const DEFAULT_EXPECTED_STATUS = "200-299";

const LIMITS = {
  intervalMs: [100, 86_400_000],
  timeoutMs: [10, 600_000],
  rise: [1, 100],
  fall: [1, 100],
} as const;
const MAX_TEXT = 1_024;

/** @throws ProxyError INVALID_ARGUMENT naming the part that is wrong */
export function completeHealthCheck(request: HealthCheckRequest): HealthCheck {
  const number = (key: keyof typeof LIMITS): number => {
    const value = request[key] ?? DEFAULT_CHECK[key];
    const [least, most] = LIMITS[key];
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw invalid(`${key} is ${value}, and must be between ${least} and ${most}`);
  };
  return {
    kind: completeKind(request.kind),
    intervalMs: number("intervalMs"),
    timeoutMs: number("timeoutMs"),
    rise: number("rise"),
    fall: number("fall"),
  };
}

/** `tcp`, `http:/path` or `grpc[:service]`. @throws ProxyError INVALID_ARGUMENT */
export function parseCheckKind(text: string): CheckKind {
  const [type, rest] = text.includes(":")
    ? [text.split(":", 1)[0], text.slice(text.indexOf(":") + 1)]
    : [text];
  if (type === "tcp" && rest === undefined) return { type };
  if (type === "http" && rest !== undefined) return { type, path: rest, host: "", expectedStatus: "" };
  if (type === "grpc") return { type, service: rest ?? "" };
  throw invalid(`'${text}' is not a kind of check: expected tcp, http:/path or grpc[:service]`);
}

/** Whether a status is among the codes and ranges. */
export function isExpectedStatus(expected: string, status: number): boolean {
  return parseStatusRanges(expected).some(([from, to]) => status >= from && status <= to);
}

export function sameHealthCheck(a: HealthCheck | undefined, b: HealthCheck | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function completeKind(kind: CheckKind): CheckKind {
  switch (kind.type) {
    case "tcp":
      return { type: "tcp" };
    case "grpc":
      return { type: "grpc", service: checkText("service", kind.service) };
    case "http": {
      const path = checkText("path", kind.path);
      if (!path.startsWith("/")) throw invalid(`the path '${path}' does not start with /`);
      const expectedStatus = kind.expectedStatus === "" ? DEFAULT_EXPECTED_STATUS : kind.expectedStatus;
      parseStatusRanges(expectedStatus);
      return { type: "http", path, host: checkText("host", kind.host), expectedStatus };
    }
  }
}

function parseStatusRanges(text: string): readonly (readonly [from: number, to: number])[] {
  return text.split(",").map((part) => {
    const match = /^ *([1-5]\d\d)(?:-([1-5]\d\d))? *$/.exec(text.length > MAX_TEXT ? "" : part);
    const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
    if (match && from <= to) return [from, to];
    throw invalid(`'${part.slice(0, 80)}' is not an HTTP status or a range of them, such as 200-299`);
  });
}

/** Goes into a request line or a header, so nothing but visible ASCII. */
function checkText(what: string, text: string): string {
  if (/^[\x21-\x7e]*$/.test(text) && text.length <= MAX_TEXT) return text;
  throw invalid(
    `the ${what} '${text.slice(0, 80)}' has spaces, control or other than ASCII characters, or is too long`,
  );
}

const invalid = (what: string): ProxyError => new ProxyError("INVALID_ARGUMENT", `health check: ${what}`);
