import type { SeamlessErrorCode } from "@seamless/sdk";

/** The exit codes of seamlessctl: the one table, shown by `--help` and README. */
export const EXIT = {
  done: 0,
  /** The proxy said no: invalid address, not found, forbidden, a limit, stopping, or its own failure. */
  refused: 1,
  usage: 2,
  /** No proxy answers at the address. */
  unreachable: 3,
  deadline: 4,
  /** The list was changed by someone else since the revision of `--if-revision`. */
  conflict: 5,
  /** Ended by SIGINT or SIGTERM, as shells number it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_ERROR: Partial<Record<SeamlessErrorCode, ExitCode>> = {
  INVALID_OPTIONS: EXIT.usage,
  UNAVAILABLE: EXIT.unreachable,
  DEADLINE_EXCEEDED: EXIT.deadline,
  REVISION_MISMATCH: EXIT.conflict,
  CANCELLED: EXIT.interrupted,
};

export function exitCodeOf(code: SeamlessErrorCode): ExitCode {
  return BY_ERROR[code] ?? EXIT.refused;
}
