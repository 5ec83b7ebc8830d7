import { Command, Option } from "commander";
import type { Context } from "../context.js";
import { jsonState, toJsonLine } from "../json.js";
import { formatState } from "../state-text.js";
import { withClient } from "../with-client.js";

interface GetFlags {
  readonly linearizable?: true;
}

export function createGetCommand(context: Context): Command {
  return new Command("get")
    .description("show the backends")
    .addOption(new Option("--linearizable", "ask the shared store first whether the list is the latest"))
    .action((flags: GetFlags, command: Command) =>
      withClient(context, command, async ({ client, options }) => {
        const { state } = await client.get({ ...flags, signal: context.signal });
        const text = formatState(state, context.clock.nowMs());
        context.stdout.write(options.output === "json" ? toJsonLine(jsonState(state)) : text);
      }),
    );
}
