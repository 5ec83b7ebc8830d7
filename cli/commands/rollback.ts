import { Command } from "commander";
import type { Context } from "../context.js";
import { addDrainOptions, drainLimits, type DrainFlags } from "../drain-flags.js";
import { ifRevisionOption, parseRevision } from "../global-options.js";
import { withClient } from "../with-client.js";
import { changeOptions, printChange, type ChangeFlags } from "./change.js";

export function createRollbackCommand(context: Context): Command {
  const command = new Command("rollback")
    .description("set the list to what it was at an earlier revision (see history)")
    .argument("[revision]", "default: the last one with another list than the present", parseRevision)
    .addOption(ifRevisionOption())
    .action((revision: bigint | undefined, flags: ChangeFlags & DrainFlags, self: Command) =>
      withClient(context, self, async (run) => {
        const drain = drainLimits(flags);
        const result = await run.client.rollback({
          ...changeOptions(flags, context.signal),
          ...(revision !== undefined && { revision }),
          ...(drain && { drain }),
        });
        printChange(run, "rolled back", result);
      }),
    );
  return addDrainOptions(command);
}
