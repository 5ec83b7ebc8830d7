import { Command } from "commander";
import { collectBackends, type BackendArgument } from "../backend-argument.js";
import type { Context } from "../context.js";
import { ifRevisionOption } from "../global-options.js";
import { withClient } from "../with-client.js";
import { changeOptions, printChange, type ChangeFlags } from "./change.js";

export function createSetCommand(context: Context): Command {
  return new Command("set")
    .description("replace the whole list; new connections go to these backends only")
    .argument("<backends...>", "HOST:PORT or HOST:PORT=WEIGHT, also separated by commas", collectBackends)
    .addOption(ifRevisionOption())
    .action((backends: readonly BackendArgument[], flags: ChangeFlags, command: Command) =>
      withClient(context, command, async (run) => {
        const result = await run.client.set(backends, changeOptions(flags, context.signal));
        printChange(run, `set ${backends.map(({ address }) => address).join(", ")}`, result);
      }),
    );
}
