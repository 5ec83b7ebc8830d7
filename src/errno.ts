/** What a failed socket operation means for a proxy. */
export type FailureKind =
  /** Try the next address or backend: this one can't be connected now. */
  | "unreachable"
  /** This process or machine has run out of something; no backend is to blame. */
  | "exhausted"
  /** The peer aborted, or vanished: pass it on as an abort. */
  | "aborted"
  | "other";

const KINDS: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: "unreachable",
  ETIMEDOUT: "unreachable",
  EHOSTUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  EACCES: "unreachable",
  EPERM: "unreachable",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  ENOBUFS: "exhausted",
  ENOMEM: "exhausted",
  ECONNRESET: "aborted",
  ECONNABORTED: "aborted",
  EPIPE: "aborted",
};

/** The errno of an error, also if it is wrapped as a cause or is one of several (`AggregateError`). */
export function errnoOf(error: unknown): string | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < 8; depth++) {
    if ("code" in current && typeof current.code === "string" && /^E[A-Z0-9]+$/.test(current.code))
      return current.code;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

export function failureKind(errno: string | undefined): FailureKind {
  return (errno !== undefined ? KINDS[errno] : undefined) ?? "other";
}
