import { Command } from "commander";
import type { Context } from "../context.js";
import { jsonState, toJsonLine } from "../json.js";
import { formatHealthCheck, formatLedger, formatProxy, formatState } from "../state-text.js";
import { withClient } from "../with-client.js";

export function createStatusCommand(context: Context): Command {
  return new Command("status")
    .description("show the proxy itself, then the backends")
    .action((_: object, command: Command) =>
      withClient(context, command, async ({ client, options }) => {
        const { state, proxy } = await client.get({ signal: context.signal });
        const text = [
          formatProxy(proxy, state.listenAddresses, Date.now()),
          formatLedger(state),
          `${formatHealthCheck(state.healthCheck)}\n`,
          `\n${formatState(state)}`,
        ].join("");
        context.stdout.write(
          options.output === "json" ? toJsonLine({ proxy, state: jsonState(state) }) : text,
        );
      }),
    );
}
