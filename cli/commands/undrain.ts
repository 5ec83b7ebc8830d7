import { Command } from "commander";
import { collectAddresses } from "../backend-argument.js";
import type { Context } from "../context.js";
import { ifRevisionOption } from "../global-options.js";
import { withClient } from "../with-client.js";
import { changeOptions, printChange, type ChangeFlags } from "./change.js";

export function createUndrainCommand(context: Context): Command {
  return new Command("undrain")
    .description("take draining backends back into the rotation, with the weights they had")
    .argument("<addresses...>", "HOST:PORT, also separated by commas", collectAddresses)
    .addOption(ifRevisionOption())
    .action((addresses: readonly string[], flags: ChangeFlags, command: Command) =>
      withClient(context, command, async (run) => {
        const result = await run.client.undrain(addresses, changeOptions(flags, context.signal));
        printChange(run, `took back ${addresses.join(", ")}`, result);
      }),
    );
}
