import { Command, Option } from "commander";
import { collectBackends, parseWeight, type BackendArgument } from "../backend-argument.js";
import type { Context } from "../context.js";
import { ifRevisionOption } from "../global-options.js";
import { withClient } from "../with-client.js";
import { changeOptions, printChange, type ChangeFlags } from "./change.js";

interface AddFlags extends ChangeFlags {
  readonly weight?: number;
}

export function createAddCommand(context: Context): Command {
  return new Command("add")
    .description("put backends into the rotation, or change their weight")
    .argument("<backends...>", "HOST:PORT or HOST:PORT=WEIGHT, also separated by commas", collectBackends)
    .addOption(
      new Option("--weight <weight>", "weight of those that name none, 1 to 256").argParser(parseWeight),
    )
    .addOption(ifRevisionOption())
    .action((given: readonly BackendArgument[], flags: AddFlags, command: Command) =>
      withClient(context, command, async (run) => {
        const { weight } = flags;
        const backends = given.map((backend) => (weight === undefined ? backend : { weight, ...backend }));
        const result = await run.client.add(backends, changeOptions(flags, context.signal));
        printChange(run, `added ${backends.map(({ address }) => address).join(", ")}`, result);
      }),
    );
}
