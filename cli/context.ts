import type { connect } from "@seamless/sdk";

/** Where text goes. */
export interface Sink {
  write(text: string): unknown;
}

/** What a command works with; tests bring their own. */
export interface Context {
  readonly connect: typeof connect;
  readonly stdout: Sink;
  readonly stderr: Sink;
  /** Version of seamlessctl. */
  readonly version: string;
  /** Aborted when the user wants to end. */
  readonly signal: AbortSignal;
}
