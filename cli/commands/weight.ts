import { Command } from "commander";
import { collectBackends, type BackendArgument } from "../backend-argument.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { ifRevisionOption } from "../global-options.js";
import { withClient } from "../with-client.js";
import { changeOptions, printChange, type ChangeFlags } from "./change.js";

export function createWeightCommand(context: Context): Command {
  return new Command("weight")
    .description("change the weights of backends that are in the list")
    .argument("<backends...>", "HOST:PORT=WEIGHT, also separated by commas", collectBackends)
    .addOption(ifRevisionOption())
    .action((backends: readonly BackendArgument[], flags: ChangeFlags, command: Command) => {
      const weighed = backends.map(({ address, weight }) => {
        if (weight !== undefined) return { address, weight };
        return command.error(`error: no weight for ${address}: write ${address}=WEIGHT`, {
          exitCode: EXIT.usage,
        });
      });
      return withClient(context, command, async (run) => {
        const result = await run.client.setWeights(weighed, changeOptions(flags, context.signal));
        printChange(
          run,
          `weighed ${weighed.map(({ address, weight }) => `${address}=${weight}`).join(", ")}`,
          result,
        );
      });
    });
}
