import { Command, Option } from "commander";
import type { Context } from "../context.js";
import { durationOption } from "../duration.js";
import { parseCount } from "../number-argument.js";
import { withClient } from "../with-client.js";
import { printChange } from "./change.js";

interface PauseFlags {
  readonly hold?: number;
  readonly max?: number;
}

const HELP = `
To restart a server on its own port without a refused connection:
  seamlessctl pause && systemctl restart my-server && seamlessctl resume`;

export function createPauseCommand(context: Context): Command {
  return new Command("pause")
    .description("hold new connections; open ones go on")
    .addOption(durationOption("--hold <time>", "reset a connection that is held for so long (default: 30s)"))
    .addOption(
      new Option("--max <count>", "hold so many at most, and reset more (default: 10000)").argParser(
        parseCount,
      ),
    )
    .addHelpText("after", HELP)
    .action(({ hold, max }: PauseFlags, command: Command) =>
      withClient(context, command, async (run) => {
        const result = await run.client.pause({
          signal: context.signal,
          ...(hold !== undefined && { holdLimitMs: hold }),
          ...(max !== undefined && { maxHeld: max }),
        });
        printChange(run, "paused: new connections are held", result);
      }),
    );
}
