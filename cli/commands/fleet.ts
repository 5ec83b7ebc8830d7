import type { Fleet } from "@seamless/sdk";
import { Command, Option } from "commander";
import type { Context } from "../context.js";
import { formatFleet, jsonFleet } from "../fleet-text.js";
import { toJsonLine } from "../json.js";
import { tellReconnects } from "../reconnect.js";
import { HOME } from "../screen.js";
import { withClient, type Run } from "../with-client.js";

interface StatusFlags {
  readonly watch?: boolean;
}

export function createFleetCommand(context: Context): Command {
  return new Command("fleet")
    .description("show the proxies that share a store")
    .addCommand(createStatusCommand(context));
}

function createStatusCommand(context: Context): Command {
  return new Command("status")
    .description("show every live proxy: the revision it has applied, open connections, drains")
    .addOption(new Option("--watch", "show it again after every change, until interrupted"))
    .action(({ watch = false }: StatusFlags, command: Command) =>
      withClient(context, command, async (run) => {
        if (watch) await follow(run);
        else context.stdout.write(render(run, await run.client.fleet({ signal: context.signal })));
      }),
    );
}

/** On a terminal in one place, as `top`; elsewhere one after the other, each with its time. */
async function follow(run: Run): Promise<void> {
  const { client, context, options } = run;
  const { signal, stdout, clock, isTerminal } = context;
  for await (const fleet of client.watchFleet({ signal, onReconnect: tellReconnects(context) })) {
    const head = isTerminal ? HOME : `${new Date(clock.nowMs()).toISOString()} `;
    const text = render(run, fleet);
    stdout.write(options.output === "json" ? text : `${head}${text}`);
  }
}

function render({ context, options }: Run, fleet: Fleet): string {
  return options.output === "json" ? toJsonLine(jsonFleet(fleet)) : formatFleet(fleet, context.clock.nowMs());
}
