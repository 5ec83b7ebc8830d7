import type { SeamlessErrorCode } from "@seamless/sdk";

/** The exit codes of seamlessctl: the one table, shown by `--help` and README. */
export const EXIT = {
  done: 0,
  /** The proxy said no: invalid address, not found, forbidden, a limit, stopping, or its own failure. */
  refused: 1,
  usage: 2,
  /** No proxy answers at the address, or the one that does can't reach its shared store: try later. */
  unreachable: 3,
  deadline: 4,
  /** The list was changed by someone else since the revision of `--if-revision`. */
  conflict: 5,
  /** A deploy's new backends were not healthy in time; nothing was changed. */
  neverHealthy: 6,
  /** More connections were cut, or were open on a proxy that vanished or was started anew, than `--max-cut` allows. */
  cut: 7,
  /** A deploy's new backends failed, and the list is again what it was. */
  returned: 8,
  /** Ended by SIGINT or SIGTERM, as shells number it; or a deploy was cancelled before its switch. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends a command that has said all there is to say. */
export class ExitWith extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode) {
    super(`exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}

const BY_ERROR: Partial<Record<SeamlessErrorCode, ExitCode>> = {
  INVALID_OPTIONS: EXIT.usage,
  UNAVAILABLE: EXIT.unreachable,
  STORE_UNAVAILABLE: EXIT.unreachable,
  DEADLINE_EXCEEDED: EXIT.deadline,
  REVISION_MISMATCH: EXIT.conflict,
  CANCELLED: EXIT.interrupted,
};

export function exitCodeOf(code: SeamlessErrorCode): ExitCode {
  return BY_ERROR[code] ?? EXIT.refused;
}
