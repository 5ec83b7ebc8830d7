import { Command } from "commander";
import type { Context } from "../context.js";
import { jsonState, toJsonLine } from "../json.js";
import { tellReconnects } from "../reconnect.js";
import { formatStateLine } from "../state-text.js";
import { withClient } from "../with-client.js";

export function createWatchCommand(context: Context): Command {
  return new Command("watch")
    .description("show the backends now and after every change, until interrupted; reconnects by itself")
    .action((_: object, command: Command) =>
      withClient(context, command, async ({ client, options }) => {
        const { signal, stdout, clock } = context;
        for await (const state of client.watch({ signal, onReconnect: tellReconnects(context) })) {
          const json = options.output === "json";
          stdout.write(json ? toJsonLine(jsonState(state)) : formatStateLine(state, new Date(clock.nowMs())));
        }
      }),
    );
}
