import { SeamlessError } from "@seamless/sdk";
import { Command } from "commander";
import type { Context } from "../context.js";
import { getAboutProxy } from "../get-about.js";
import { toJsonLine } from "../json.js";
import { withClient } from "../with-client.js";

export function createVersionCommand(context: Context): Command {
  return new Command("version")
    .description("show the version of seamlessctl and of the proxy, if it answers")
    .action((_: object, command: Command) =>
      withClient(context, command, async (run) => {
        const { options } = run;
        const proxy = await getAboutProxy(run, command).then(
          (answer) => answer.proxy.version,
          (error: unknown) => {
            if (error instanceof SeamlessError && error.code === "UNAVAILABLE") return undefined;
            throw error;
          },
        );
        const text = `seamlessctl ${context.version}\nseamless ${proxy ?? `(no proxy answers at ${options.address})`}\n`;
        const json = toJsonLine({ seamlessctl: context.version, seamless: proxy ?? null });
        context.stdout.write(options.output === "json" ? json : text);
      }),
    );
}
