import { DeployOutcome, type DeployStatus, type DeployVerdict } from "@seamless/sdk";
import { Command } from "commander";
import { collectBackends, type BackendArgument } from "../backend-argument.js";
import type { Context } from "../context.js";
import { addDeployOptions, deployOptions, misplacedDeployFlags, type DeployFlags } from "../deploy-flags.js";
import { deployStep } from "../deploy-text.js";
import { requireFewCut, type MaxCutFlag } from "../drain-flags.js";
import { EXIT, ExitWith } from "../exit-codes.js";
import { createProgress } from "../progress.js";
import { formatVerdict, lostProxies, type LastSeen } from "../verdict-text.js";
import { withClient, type Run } from "../with-client.js";

const HELP = `
Waits until every new backend is healthy, switches in one step, drains the old ones, and says how it went. Interrupted
before the switch it changes nothing; after it the deploy goes on (deploy --watch follows it).

With --fleet every proxy that shares the store checks, switches and drains; the old servers are safe to stop once all
have. One that vanishes on the way is named and not waited for: what was open on it counts as cut, and if it vanished
before it switched, the exit code is 7 in any case. What was open on one that was started anew on the way counts as cut, too.

Exit codes: 0 switched, 5 superseded by another change, 6 never healthy (nothing changed), 7 switched but connections
were cut, 8 returned to the old backends, 130 interrupted or cancelled.

Examples:
  seamlessctl deploy localhost:4445 --drain 30s
  seamlessctl deploy web1:81 web2:81 --health http:/up --canary 5,25,50 --step 60s --bake 2m
  seamlessctl deploy web2:80 --fleet --first 1 --step 2m`;

export function createDeployCommand(context: Context): Command {
  const command = new Command("deploy")
    .description("switch to new backends once they are healthy, drain the old ones, and give a verdict")
    .argument("[backends...]", "HOST:PORT or HOST:PORT=WEIGHT, also separated by commas", collectBackends, [])
    .addHelpText("after", HELP)
    .action((backends: readonly BackendArgument[], flags: DeployFlags, self: Command) => {
      const complaint = misplacedDeployFlags(backends.length > 0, flags, self);
      if (complaint) self.error(`error: ${complaint}`, { exitCode: EXIT.usage });
      return withClient(context, self, (run) => deploy(run, backends, flags));
    });
  return addDeployOptions(command);
}

async function deploy(run: Run, backends: readonly BackendArgument[], flags: DeployFlags): Promise<void> {
  const { context, client, options } = run;
  const progress = createProgress(context, options.output);
  let last: LastSeen = { revision: 0n, drains: [], proxies: [] };
  const onProgress = (status: DeployStatus): void => {
    last = status;
    if (!status.verdict || options.output === "json") progress.show(deployStep(status));
  };
  const verdict = await (
    flags.watch
      ? watchToVerdict(run, onProgress)
      : client.deploy(backends, { ...deployOptions(flags, context.signal), onProgress })
  ).finally(() => progress.end());
  if (options.output === "table") context.stdout.write(formatVerdict(verdict, last));
  conclude(verdict, last, flags);
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

/** @throws ExitWith for any other end than a switch with few enough cuts */
function conclude(verdict: DeployVerdict, last: LastSeen, flags: MaxCutFlag): void {
  switch (verdict.outcome) {
    case DeployOutcome.SWITCHED:
      requireKnownEnds(verdict, last, flags);
      return;
    case DeployOutcome.NEVER_HEALTHY:
      throw new ExitWith(EXIT.neverHealthy);
    case DeployOutcome.RETURNED:
      throw new ExitWith(EXIT.returned);
    case DeployOutcome.SUPERSEDED:
      throw new ExitWith(EXIT.conflict);
    case DeployOutcome.CANCELLED:
      throw new ExitWith(EXIT.interrupted);
    case DeployOutcome.UNKNOWN:
      throw new ExitWith(EXIT.unreachable);
    case DeployOutcome.UNSPECIFIED:
    default:
      throw new ExitWith(EXIT.refused);
  }
}

/**
 * How a connection on a proxy that vanished ended nobody can tell, so that it counts as cut; so does one that was open on
 * a process that another has taken the place of. One that vanished before it
 * had the new list may, cut off from the others, go on sending new connections to the old backends.
 * @throws ExitWith the code for cut connections
 */
function requireKnownEnds(verdict: DeployVerdict, last: LastSeen, flags: MaxCutFlag): void {
  const lost = lostProxies(verdict, last);
  if (lost.some(({ hadSwitched }) => !hadSwitched)) throw new ExitWith(EXIT.cut);
  const open = lost.reduce((sum, proxy) => sum + proxy.open, 0);
  const ended = last.proxies.reduce((sum, { lostConnections }) => sum + lostConnections, 0);
  requireFewCut(verdict.cut + BigInt(open + ended), flags);
}
