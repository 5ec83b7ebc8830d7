import type { connect } from "@seamless/sdk";
import type { Clock } from "./clock.js";

/** Where text goes. */
export interface Sink {
  write(text: string): unknown;
}

/** What a command works with; tests bring their own. */
export interface Context {
  readonly connect: typeof connect;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Whether `stderr` is a terminal, on which a line can be written over. */
  readonly isTerminal: boolean;
  readonly clock: Clock;
  /** Who makes the changes, for the proxy's history; undefined: not known. */
  readonly actor: string | undefined;
  /** Version of seamlessctl. */
  readonly version: string;
  /** Aborted when the user wants to end. */
  readonly signal: AbortSignal;
}
