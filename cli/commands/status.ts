import { Command } from "commander";
import type { Context } from "../context.js";
import { getAboutProxy } from "../get-about.js";
import { jsonState, toJsonLine } from "../json.js";
import { formatHealthCheck } from "../health-text.js";
import { formatLedger, formatProxy, formatState } from "../state-text.js";
import { withClient } from "../with-client.js";

export function createStatusCommand(context: Context): Command {
  return new Command("status")
    .description("show the proxy itself, then the backends")
    .action((_: object, command: Command) =>
      withClient(context, command, async (run) => {
        const { state, proxy } = await getAboutProxy(run, command);
        const nowMs = context.clock.nowMs();
        const text = [
          formatProxy(proxy, state.listenAddresses, nowMs),
          formatLedger(state),
          state.healthCheck ? "" : `${formatHealthCheck(undefined)}\n`,
          `\n${formatState(state, nowMs)}`,
        ].join("");
        context.stdout.write(
          run.options.output === "json" ? toJsonLine({ proxy, state: jsonState(state) }) : text,
        );
      }),
    );
}
