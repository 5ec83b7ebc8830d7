import { Command, Option } from "commander";
import type { Context } from "../context.js";
import { parseCount } from "../number-argument.js";
import { withClient } from "../with-client.js";
import { printChange } from "./change.js";

export function createResumeCommand(context: Context): Command {
  return new Command("resume")
    .description("let held connections go, the longest held first")
    .addOption(
      new Option("--pace <count>", "so many per second; 0: all at once (default: 1000)").argParser(
        parseCount,
      ),
    )
    .action(({ pace }: { readonly pace?: number }, command: Command) =>
      withClient(context, command, async (run) => {
        const { signal } = context;
        const result = await run.client.resume(
          pace === undefined ? { signal } : { signal, pacePerSecond: pace },
        );
        printChange(run, "resumed", result);
      }),
    );
}
