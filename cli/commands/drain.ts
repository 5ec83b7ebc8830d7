import type { DrainLimits } from "@seamless/sdk";
import { Command, Option } from "commander";
import { collectAddresses } from "../backend-argument.js";
import type { Context } from "../context.js";
import { cutOf, maxCutOption, requireFewCut, type MaxCutFlag } from "../drain-flags.js";
import { formatDrains } from "../drain-text.js";
import { durationOption, parseDuration } from "../duration.js";
import { jsonState, toJsonLine } from "../json.js";
import { formatState } from "../state-text.js";
import { waitForDrains } from "../wait-for-drains.js";
import { withClient } from "../with-client.js";

export function createDrainCommand(context: Context): Command {
  return new Command("drain")
    .description("show, wait for, extend or cut the drains of backends that have left the list")
    .addCommand(createListCommand(context))
    .addCommand(createWaitCommand(context))
    .addCommand(createExtendCommand(context))
    .addCommand(createCutCommand(context));
}

function createListCommand(context: Context): Command {
  return new Command("list").description("show the drains under way").action((_: object, command: Command) =>
    withClient(context, command, async ({ client, options }) => {
      const { state } = await client.get({ signal: context.signal });
      const draining = state.backends.filter(({ drain }) => drain !== undefined);
      const json = { drains: draining.map(({ address, drain }) => ({ address, ...drain })) };
      context.stdout.write(
        options.output === "json" ? toJsonLine(json) : formatDrains(draining, context.clock.nowMs()),
      );
    }),
  );
}

function createWaitCommand(context: Context): Command {
  return new Command("wait")
    .description("wait until drains have ended, and say how; exit code 7 if connections were cut")
    .argument(
      "[addresses...]",
      "HOST:PORT, also separated by commas; none: all that drain",
      collectAddresses,
      [],
    )
    .addOption(maxCutOption())
    .action((addresses: readonly string[], flags: MaxCutFlag, command: Command) =>
      withClient(context, command, async (run) => {
        requireFewCut(cutOf(await waitForDrains(run, addresses)), flags);
      }),
    );
}

interface ExtendFlags {
  readonly limit: number | "none";
  readonly idle?: number;
  readonly spread?: number;
}

function createExtendCommand(context: Context): Command {
  return new Command("extend")
    .description("give drains other limits, counted from now")
    .argument("<addresses...>", "HOST:PORT, also separated by commas", collectAddresses)
    .addOption(
      new Option("--limit <time>", "cut connections after this time from now, or none")
        .argParser((text) => (text === "none" ? text : parseDuration(text)))
        .makeOptionMandatory(),
    )
    .addOption(durationOption("--idle <time>", "close those that are silent for so long before that"))
    .addOption(durationOption("--spread <time>", "cut over this time instead of all at once"))
    .action((addresses: readonly string[], { limit, idle, spread }: ExtendFlags, command: Command) =>
      changeDrains(context, command, addresses, {
        ...(limit !== "none" && { limitMs: limit }),
        ...(idle !== undefined && { idleLimitMs: idle }),
        ...(spread !== undefined && { spreadMs: spread }),
      }),
    );
}

function createCutCommand(context: Context): Command {
  return new Command("cut")
    .description("cut the connections of draining backends now")
    .argument("<addresses...>", "HOST:PORT, also separated by commas", collectAddresses)
    .addOption(durationOption("--spread <time>", "cut over this time instead of all at once"))
    .action((addresses: readonly string[], { spread = 0 }: { spread?: number }, command: Command) =>
      changeDrains(context, command, addresses, { limitMs: 0, spreadMs: spread }),
    );
}

function changeDrains(
  context: Context,
  command: Command,
  addresses: readonly string[],
  limits: DrainLimits,
): Promise<void> {
  return withClient(context, command, async ({ client, options }) => {
    const state = await client.changeDrain(addresses, limits, { signal: context.signal });
    context.stdout.write(
      options.output === "json"
        ? toJsonLine({ state: jsonState(state) })
        : formatState(state, context.clock.nowMs()),
    );
  });
}
