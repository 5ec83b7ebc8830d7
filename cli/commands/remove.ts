import { Command } from "commander";
import { collectAddresses } from "../backend-argument.js";
import type { Context } from "../context.js";
import { ifRevisionOption } from "../global-options.js";
import { withClient } from "../with-client.js";
import { changeOptions, printChange, type ChangeFlags } from "./change.js";

export function createRemoveCommand(context: Context): Command {
  return new Command("remove")
    .description("take backends out of the rotation; their open connections go on")
    .argument("<addresses...>", "HOST:PORT, also separated by commas", collectAddresses)
    .addOption(ifRevisionOption())
    .action((addresses: readonly string[], flags: ChangeFlags, command: Command) =>
      withClient(context, command, async (run) => {
        const result = await run.client.remove(addresses, changeOptions(flags, context.signal));
        printChange(run, `removed ${addresses.join(", ")}`, result);
      }),
    );
}
