import { type CheckKind, HealthState, type ServiceState } from "@seamless/sdk";
import { Command } from "commander";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { enumWord } from "../enum-word.js";
import {
  addHealthOptions,
  misplacedHealthFlags,
  parseCheckKind,
  toHealthCheck,
  type HealthFlags,
} from "../health-flags.js";
import { formatHealthCheck } from "../health-text.js";
import { jsonState, toJsonLine } from "../json.js";
import { formatTable } from "../table.js";
import { formatAge } from "../time-text.js";
import { withClient, type Run } from "../with-client.js";

const HEAD = ["ADDRESS", "HEALTH", "CHECKED", "ERROR"];

export function createHealthCommand(context: Context): Command {
  const command = new Command("health")
    .description("show how backends are checked and how they are, or check them in another way")
    .argument("[kind]", "tcp, http:/path, grpc[:service], or none to stop checking", (text) =>
      text === "none" ? text : parseCheckKind(text),
    )
    .action((kind: CheckKind | "none" | undefined, flags: HealthFlags, self: Command) => {
      const complaint = misplacedHealthFlags(kind, flags);
      if (complaint) self.error(`error: ${complaint}`, { exitCode: EXIT.usage });
      return withClient(context, self, async (run) => show(run, await stateAfter(run, kind, flags)));
    });
  return addHealthOptions(command);
}

async function stateAfter(
  { client, context: { signal } }: Run,
  kind: CheckKind | "none" | undefined,
  flags: HealthFlags,
): Promise<ServiceState> {
  if (kind === undefined) return (await client.get({ signal })).state;
  const check = kind === "none" ? undefined : toHealthCheck(kind, flags);
  return (await client.setHealthCheck(check, { signal })).state;
}

function show({ context: { stdout, clock }, options }: Run, state: ServiceState): void {
  if (options.output === "json") {
    stdout.write(toJsonLine(jsonState(state)));
    return;
  }
  const rows = state.backends.flatMap(({ address, health }) => {
    if (!health) return [];
    return [
      [
        address,
        enumWord(HealthState, health.state),
        formatAge(health.checkedUnixMs, clock.nowMs()),
        health.error,
      ],
    ];
  });
  stdout.write(
    `${formatHealthCheck(state.healthCheck)}\n${rows.length === 0 ? "" : formatTable([HEAD, ...rows])}`,
  );
}
