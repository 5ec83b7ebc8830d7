import type { ChangeResult } from "@seamless/sdk";
import type { Run } from "../with-client.js";
import { jsonState, toJsonLine } from "../json.js";
import { formatState } from "../state-text.js";

/** What the commands that change the list share. */
export interface ChangeFlags {
  readonly ifRevision?: bigint;
}

export function changeOptions(
  { ifRevision }: ChangeFlags,
  signal: AbortSignal,
): { signal: AbortSignal; expectedRevision?: bigint } {
  return ifRevision === undefined ? { signal } : { signal, expectedRevision: ifRevision };
}

/** Says what was done, then how the list is now. */
export function printChange({ options, context }: Run, done: string, { changed, state }: ChangeResult): void {
  const text = `${changed ? done : "nothing changed"}\n${formatState(state, context.clock.nowMs())}`;
  context.stdout.write(options.output === "json" ? toJsonLine({ changed, state: jsonState(state) }) : text);
}
