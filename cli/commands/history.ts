import type { HistoryEntry } from "@seamless/sdk";
import { Command } from "commander";
import type { Context } from "../context.js";
import { toJsonLine } from "../json.js";
import { formatTable } from "../table.js";
import { formatMoment } from "../time-text.js";
import { withClient } from "../with-client.js";

const HEAD = ["REVISION", "WHEN", "HOW", "WHO", "FROM", "ENDED", "CUT", "BACKENDS"];
const NUMERIC = new Set([0, 5, 6]);

export function createHistoryCommand(context: Context): Command {
  return new Command("history")
    .description("show the last changes of the list, the newest first")
    .action((_: object, command: Command) =>
      withClient(context, command, async ({ client, options }) => {
        const entries = await client.history({ signal: context.signal });
        context.stdout.write(
          options.output === "json"
            ? toJsonLine({ entries })
            : formatTable([HEAD, ...entries.map(toRow)], NUMERIC),
        );
      }),
    );
}

function toRow({ revision, atUnixMs, verb, actor, from, backends, ledger }: HistoryEntry): readonly string[] {
  const { byClient = 0n, byBackend = 0n, cutByDrain = 0n, cutByShutdown = 0n } = ledger?.ends ?? {};
  return [
    String(revision),
    formatMoment(atUnixMs),
    verb,
    actor,
    from || "-",
    String(byClient + byBackend),
    String(cutByDrain + cutByShutdown),
    backends.map(({ address, weight = 1 }) => (weight === 1 ? address : `${address}=${weight}`)).join(" ") ||
      "-",
  ];
}
