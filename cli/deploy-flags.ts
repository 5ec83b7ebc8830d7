import type { CheckKind, DeployOptions } from "@seamless/sdk";
import { Option, type Command } from "commander";
import { changeOptions, type ChangeFlags } from "./commands/change.js";
import {
  addDrainOptions,
  drainLimits,
  maxCutOption,
  type DrainFlags,
  type MaxCutFlag,
} from "./drain-flags.js";
import { durationOption } from "./duration.js";
import { ifRevisionOption } from "./global-options.js";
import {
  addHealthOptions,
  misplacedHealthFlags,
  parseCheckKind,
  toHealthCheck,
  type HealthFlags,
} from "./health-flags.js";
import { parseCount, parseCounts } from "./number-argument.js";

/** Options of a deploy. */
export interface DeployFlags extends ChangeFlags, DrainFlags, MaxCutFlag {
  readonly health?: CheckKind;
  readonly healthTimeout?: number;
  readonly healthHost?: string;
  readonly healthStatus?: string;
  readonly healthInterval?: number;
  readonly healthTimeoutPerCheck?: number;
  readonly healthRise?: number;
  readonly healthFall?: number;
  readonly canary?: readonly number[];
  readonly step?: number;
  readonly bake?: number;
  readonly maxFailures?: number;
  readonly fleet?: boolean;
  readonly quorum?: number;
  readonly first?: number;
  readonly watch?: boolean;
}

export function addDeployOptions(command: Command): Command {
  command
    .addOption(new Option("--watch", "follow the deploy that is under way, or see the last one's verdict"))
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
    .addOption(
      durationOption("--step <time>", "keep each share, or the first proxies alone, so long (default: 60s)"),
    )
    .addOption(
      durationOption("--bake <time>", "after the switch, return to the old ones if the new ones fail"),
    )
    .addOption(
      new Option("--max-failures <percent>", "of connects, in canary and bake (default: 10)").argParser(
        parseCount,
      ),
    )
    .addOption(new Option("--fleet", "wait for all proxies that share the store, not only for this one"))
    .addOption(
      new Option("--quorum <count>", "proxies that must find them healthy (default: all)").argParser(
        parseCount,
      ),
    )
    .addOption(
      new Option("--first <count>", "switch so many proxies first, then the rest").argParser(parseCount),
    )
    .addOption(maxCutOption())
    .addOption(ifRevisionOption());
  return addDrainOptions(addHealthOptions(command, "health-"));
}

/** Why these options make no sense together; undefined: they do. */
export function misplacedDeployFlags(
  hasBackends: boolean,
  flags: DeployFlags,
  command: Command,
): string | undefined {
  if ((flags.watch ?? false) === hasBackends) return "name the new backends, or --watch without any";
  if (!flags.watch)
    return misplacedFleetFlags(flags) ?? misplacedHealthFlags(flags.health, healthFlags(flags));
  const others = Object.keys(command.opts()).filter((name) => name !== "watch" && name !== "maxCut");
  return others.length > 0 ? "with --watch only --max-cut has a meaning" : undefined;
}

function misplacedFleetFlags({ fleet, quorum, first, canary }: DeployFlags): string | undefined {
  if (!fleet && (quorum ?? first) !== undefined) return "--quorum and --first need --fleet";
  return first !== undefined && canary ? "--first and --canary exclude each other" : undefined;
}

export function deployOptions(flags: DeployFlags, signal: AbortSignal): DeployOptions {
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
    ...fleetOptions(flags),
  };
}

function fleetOptions({
  fleet,
  quorum,
  first,
}: DeployFlags): Pick<DeployOptions, "fleet" | "quorum" | "firstProxies"> {
  return {
    ...(fleet && { fleet }),
    ...(quorum !== undefined && { quorum }),
    ...(first !== undefined && { firstProxies: first }),
  };
}

function healthFlags(flags: DeployFlags): HealthFlags {
  const { healthHost, healthStatus, healthInterval, healthTimeoutPerCheck, healthRise, healthFall } = flags;
  return {
    ...(healthHost !== undefined && { host: healthHost }),
    ...(healthStatus !== undefined && { status: healthStatus }),
    ...(healthInterval !== undefined && { interval: healthInterval }),
    ...(healthTimeoutPerCheck !== undefined && { timeoutPerCheck: healthTimeoutPerCheck }),
    ...(healthRise !== undefined && { rise: healthRise }),
    ...(healthFall !== undefined && { fall: healthFall }),
  };
}
