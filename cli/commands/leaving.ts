import { BackendState, type DrainingChangeOptions, type ServiceState } from "@seamless/sdk";
import { Option, type Command } from "commander";
import {
  addDrainOptions,
  cutOf,
  drainLimits,
  maxCutOption,
  requireFewCut,
  type DrainFlags,
  type MaxCutFlag,
} from "../drain-flags.js";
import { EXIT } from "../exit-codes.js";
import { waitForDrains } from "../wait-for-drains.js";
import type { Run } from "../with-client.js";
import { changeOptions, type ChangeFlags } from "./change.js";

/** What the commands by which backends leave the list share. */
export interface LeavingFlags extends ChangeFlags, DrainFlags, MaxCutFlag {
  readonly wait?: boolean;
}

export function addLeavingOptions(command: Command): Command {
  return addDrainOptions(command)
    .addOption(new Option("--wait", "wait until the backends that left have no connection"))
    .addOption(maxCutOption());
}

export function leavingOptions(flags: LeavingFlags, signal: AbortSignal): DrainingChangeOptions {
  const drain = drainLimits(flags);
  return { ...changeOptions(flags, signal), ...(drain && { drain }) };
}

/** Nobody counts the cut connections of a drain that is not waited for. */
export function requireWaitForMaxCut(command: Command, { wait }: LeavingFlags): void {
  if (!wait && command.getOptionValueSource("maxCut") === "cli")
    command.error("error: --max-cut needs --wait", { exitCode: EXIT.usage });
}

/** @throws ExitWith if too many connections were cut */
export async function waitForLeft(
  run: Run,
  addresses: readonly string[],
  flags: LeavingFlags,
): Promise<void> {
  if (addresses.length > 0) requireFewCut(cutOf(await waitForDrains(run, addresses)), flags);
}

/** What was in the list before and is not any more. */
export function leftSince(before: ServiceState, after: ServiceState): readonly string[] {
  const listed = (state: ServiceState): readonly string[] =>
    state.backends.filter((backend) => backend.state !== BackendState.DRAINING).map(({ address }) => address);
  const kept = new Set(listed(after));
  return listed(before).filter((address) => !kept.has(address));
}
