import { Command } from "commander";
import { collectAddresses } from "../backend-argument.js";
import type { Context } from "../context.js";
import { ifRevisionOption } from "../global-options.js";
import { withClient } from "../with-client.js";
import { printChange } from "./change.js";
import {
  addLeavingOptions,
  leavingOptions,
  requireWaitForMaxCut,
  waitForLeft,
  type LeavingFlags,
} from "./leaving.js";

export function createRemoveCommand(context: Context): Command {
  const created = new Command("remove")
    .description("take backends out of the rotation; their open connections go on")
    .argument("<addresses...>", "HOST:PORT, also separated by commas", collectAddresses)
    .addOption(ifRevisionOption())
    .action((addresses: readonly string[], flags: LeavingFlags, command: Command) => {
      requireWaitForMaxCut(command, flags);
      return withClient(context, command, async (run) => {
        const result = await run.client.remove(addresses, leavingOptions(flags, context.signal));
        printChange(run, `removed ${addresses.join(", ")}`, result);
        if (flags.wait) await waitForLeft(run, addresses, flags);
      });
    });
  return addLeavingOptions(created);
}
