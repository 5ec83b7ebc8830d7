import { Command } from "commander";
import { collectBackends, type BackendArgument } from "../backend-argument.js";
import type { Context } from "../context.js";
import { ifRevisionOption } from "../global-options.js";
import { withClient } from "../with-client.js";
import { printChange } from "./change.js";
import {
  addLeavingOptions,
  leavingOptions,
  leftSince,
  requireWaitForMaxCut,
  waitForLeft,
  type LeavingFlags,
} from "./leaving.js";

export function createSetCommand(context: Context): Command {
  const created = new Command("set")
    .description("replace the whole list; new connections go to these backends only")
    .argument("<backends...>", "HOST:PORT or HOST:PORT=WEIGHT, also separated by commas", collectBackends)
    .addOption(ifRevisionOption())
    .action((backends: readonly BackendArgument[], flags: LeavingFlags, command: Command) => {
      requireWaitForMaxCut(command, flags);
      return withClient(context, command, async (run) => {
        const before = flags.wait ? (await run.client.get({ signal: context.signal })).state : undefined;
        const result = await run.client.set(backends, leavingOptions(flags, context.signal));
        printChange(run, `set ${backends.map(({ address }) => address).join(", ")}`, result);
        if (before) await waitForLeft(run, leftSince(before, result.state), flags);
      });
    });
  return addLeavingOptions(created);
}
