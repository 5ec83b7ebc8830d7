import { Command } from "commander";
import type { Context } from "../context.js";
import { toJsonLine } from "../json.js";
import { withClient } from "../with-client.js";

export function createUpgradeCommand(context: Context): Command {
  return new Command("upgrade")
    .description("put a new process in the proxy's place, without a gap")
    .action((_: object, command: Command) =>
      withClient(context, command, async ({ client, options }) => {
        const upgraded = await client.upgrade({ signal: context.signal });
        const { pid, version } = upgraded;
        context.stdout.write(
          options.output === "json"
            ? toJsonLine(upgraded)
            : `Process ${pid} (version ${version}) serves now; the old one lets its connections end.\n`,
        );
      }),
    );
}
