import {
  type BackendSpec,
  type CheckKind,
  DeployOutcome,
  type DeployOptions,
  type DeployStatus,
  type DeployVerdict,
} from "@seamless/sdk";
import { Command, Option } from "commander";
import { collectBackends, type BackendArgument } from "../backend-argument.js";
import type { Context } from "../context.js";
import { deployStep, formatVerdict } from "../deploy-text.js";
import {
  addDrainOptions,
  drainLimits,
  maxCutOption,
  requireFewCut,
  type DrainFlags,
  type MaxCutFlag,
} from "../drain-flags.js";
import { durationOption } from "../duration.js";
import { EXIT, ExitWith } from "../exit-codes.js";
import { ifRevisionOption } from "../global-options.js";
import { addHealthOptions, parseCheckKind, toHealthCheck } from "../health-flags.js";
import { parseCount, parseCounts } from "../number-argument.js";
import { createProgress } from "../progress.js";
import { withClient, type Run } from "../with-client.js";
import { changeOptions, type ChangeFlags } from "./change.js";

interface DeployFlags extends ChangeFlags, DrainFlags, MaxCutFlag {
  readonly health?: CheckKind;
  readonly healthTimeout?: number;
  readonly healthHost?: string;
  readonly healthStatus?: string;
  readonly healthInterval?: number;
  readonly healthCheckTimeout?: number;
  readonly healthRise?: number;
  readonly healthFall?: number;
  readonly canary?: readonly number[];
  readonly step?: number;
  readonly bake?: number;
  readonly maxFailures?: number;
  readonly watch?: boolean;
}

const HELP = `
Waits until every new backend is healthy, switches in one step, drains the old ones, and says how it went. Interrupted
before the switch it changes nothing; after it the deploy goes on (deploy --watch follows it).

Exit codes: 0 switched, 5 superseded by another change, 6 never healthy (nothing changed), 7 switched but connections
were cut, 8 returned to the old backends, 130 interrupted.

Examples:
  seamlessctl deploy localhost:4445 --drain 30s
  seamlessctl deploy web1:81 web2:81 --health http:/up --canary 5,25,50 --step 60s --bake 2m`;

export function createDeployCommand(context: Context): Command {
  const command = new Command("deploy")
    .description("switch to new backends once they are healthy, drain the old ones, and give a verdict")
    .argument("[backends...]", "HOST:PORT or HOST:PORT=WEIGHT, also separated by commas", collectBackends, [])
    .addOption(new Option("--watch", "follow the deploy that is under way instead").conflicts("ifRevision"))
    .addOption(
      durationOption("--health-timeout <time>", "for the new backends to become healthy (default: 30s)"),
    )
    .addOption(
      new Option("--health <kind>", "check them by tcp, http:/path or grpc[:service]").argParser(
        parseCheckKind,
      ),
    )
    .addOption(
      new Option("--canary <percents>", "shift this much traffic first, as in 5,25,50").argParser(
        parseCounts,
      ),
    )
    .addOption(durationOption("--step <time>", "keep each share of the canary for this time (default: 60s)"))
    .addOption(
      durationOption("--bake <time>", "after the switch, return to the old ones if the new ones fail"),
    )
    .addOption(
      new Option("--max-failures <percent>", "of connects, in canary and bake (default: 10)").argParser(
        parseCount,
      ),
    )
    .addOption(maxCutOption())
    .addOption(ifRevisionOption())
    .addHelpText("after", HELP)
    .action((backends: readonly BackendArgument[], flags: DeployFlags, self: Command) => {
      if ((flags.watch ?? false) === backends.length > 0)
        self.error("error: name the new backends, or --watch without any", { exitCode: EXIT.usage });
      return withClient(context, self, (run) => deploy(run, backends, flags));
    });
  return addDrainOptions(addHealthOptions(command, "health-"));
}

async function deploy(run: Run, backends: readonly BackendArgument[], flags: DeployFlags): Promise<void> {
  const { context, client, options } = run;
  const progress = createProgress(context, options.output);
  let last: DeployStatus | undefined;
  const onProgress = (status: DeployStatus): void => {
    last = status;
    if (!status.verdict || options.output === "json") progress.show(deployStep(status));
  };
  const verdict = await (
    flags.watch
      ? watchToVerdict(run, onProgress)
      : client.deploy(backends, { ...toOptions(flags, context.signal), onProgress })
  ).finally(() => progress.end());
  if (options.output === "table") context.stdout.write(formatVerdict(verdict, leaversOf(last)));
  conclude(verdict, flags);
}

async function watchToVerdict(
  { client, context }: Run,
  onProgress: (status: DeployStatus) => void,
): Promise<DeployVerdict> {
  for await (const status of client.watchDeploy({ signal: context.signal })) {
    onProgress(status);
    if (status.verdict) return status.verdict;
  }
  throw new Error("a deploy's statuses ended without a verdict");
}

function toOptions(flags: DeployFlags, signal: AbortSignal): DeployOptions {
  const { health, healthTimeout, canary, step, bake, maxFailures } = flags;
  const drain = drainLimits(flags);
  return {
    ...changeOptions(flags, signal),
    ...(drain && { drain }),
    ...(health && { healthCheck: toHealthCheck(health, healthFlags(flags)) }),
    ...(healthTimeout !== undefined && { healthTimeoutMs: healthTimeout }),
    ...(canary && { canaryPercents: canary }),
    ...(step !== undefined && { canaryStepMs: step }),
    ...(bake !== undefined && { bakeMs: bake }),
    ...(maxFailures !== undefined && { maxConnectFailurePercent: maxFailures }),
  };
}

function healthFlags(flags: DeployFlags): Parameters<typeof toHealthCheck>[1] {
  const { healthHost, healthStatus, healthInterval, healthCheckTimeout, healthRise, healthFall } = flags;
  return {
    ...(healthHost !== undefined && { host: healthHost }),
    ...(healthStatus !== undefined && { status: healthStatus }),
    ...(healthInterval !== undefined && { interval: healthInterval }),
    ...(healthCheckTimeout !== undefined && { checkTimeout: healthCheckTimeout }),
    ...(healthRise !== undefined && { rise: healthRise }),
    ...(healthFall !== undefined && { fall: healthFall }),
  };
}

/** @throws ExitWith for any other end than a switch with few enough cuts */
function conclude({ outcome, cut }: DeployVerdict, flags: MaxCutFlag): void {
  switch (outcome) {
    case DeployOutcome.SWITCHED:
      requireFewCut(cut, flags);
      return;
    case DeployOutcome.NEVER_HEALTHY:
      throw new ExitWith(EXIT.neverHealthy);
    case DeployOutcome.RETURNED:
      throw new ExitWith(EXIT.returned);
    case DeployOutcome.SUPERSEDED:
      throw new ExitWith(EXIT.conflict);
    case DeployOutcome.CANCELLED:
    case DeployOutcome.UNSPECIFIED:
      throw new ExitWith(EXIT.refused);
  }
}

const leaversOf = (status: DeployStatus | undefined): readonly BackendSpec["address"][] =>
  status?.drains.map(({ address }) => address) ?? [];
