import { SeamlessError } from "@seamless/sdk";
import { Command, CommanderError } from "commander";
import { createAddCommand } from "./commands/add.js";
import { createCompletionCommand } from "./commands/completion.js";
import { createDeployCommand } from "./commands/deploy.js";
import { createDrainCommand } from "./commands/drain.js";
import { createFleetCommand } from "./commands/fleet.js";
import { createGetCommand } from "./commands/get.js";
import { createHealthCommand } from "./commands/health.js";
import { createHistoryCommand } from "./commands/history.js";
import { createPauseCommand } from "./commands/pause.js";
import { createRemoveCommand } from "./commands/remove.js";
import { createResumeCommand } from "./commands/resume.js";
import { createRollbackCommand } from "./commands/rollback.js";
import { createServiceCommand } from "./commands/service.js";
import { createSetCommand } from "./commands/set.js";
import { createStatusCommand } from "./commands/status.js";
import { createTopCommand } from "./commands/top.js";
import { createUndrainCommand } from "./commands/undrain.js";
import { createUpgradeCommand } from "./commands/upgrade.js";
import { createVersionCommand } from "./commands/version.js";
import { createWatchCommand } from "./commands/watch.js";
import { createWeightCommand } from "./commands/weight.js";
import type { Context } from "./context.js";
import { EXIT, exitCodeOf, ExitWith, type ExitCode } from "./exit-codes.js";
import { explainFailure } from "./failure.js";
import { addGlobalOptions, type GlobalOptions } from "./global-options.js";

const COMMANDS = [
  createDeployCommand,
  createGetCommand,
  createSetCommand,
  createAddCommand,
  createRemoveCommand,
  createWeightCommand,
  createDrainCommand,
  createUndrainCommand,
  createPauseCommand,
  createResumeCommand,
  createHealthCommand,
  createHistoryCommand,
  createRollbackCommand,
  createServiceCommand,
  createFleetCommand,
  createTopCommand,
  createWatchCommand,
  createStatusCommand,
  createUpgradeCommand,
  createVersionCommand,
  createCompletionCommand,
];

const HELP = `
Examples:
  seamlessctl deploy localhost:4445 --drain 30s wait until healthy, switch, drain, verdict
  seamlessctl add localhost:4445                put a backend into the rotation
  seamlessctl remove localhost:4444             take one out; its open connections go on
  seamlessctl set web1:80=3 web2:80             replace the list; web1 gets three of four connections
  seamlessctl get -o json | jq .revision        for programs
  seamlessctl add localhost:4445 --if-revision 7
  seamlessctl fleet status --watch              all proxies that share a store

Exit codes:
  0  done                              5  revision conflict
  1  refused by the proxy              6  deploy: never healthy, nothing changed
  2  usage                             7  done, but connections were cut
  3  no proxy, or no store, reachable  8  deploy: returned to the old backends
  4  deadline passed                 130  interrupted, or a deploy was cancelled`;

/** A fresh command tree. */
export function createProgram(context: Context): Command {
  const program = addGlobalOptions(new Command("seamlessctl"))
    .description("Manages a Seamless proxy.")
    .version(context.version, "-V, --version", "print the version of seamlessctl and exit")
    .addHelpText("after", HELP);
  for (const create of COMMANDS) program.addCommand(create(context));
  for (const command of withSubcommands(program)) {
    command
      .exitOverride()
      .configureHelp({ showGlobalOptions: true })
      .showHelpAfterError("Run seamlessctl --help for the whole usage.")
      .configureOutput({
        writeOut: (text) => void context.stdout.write(text),
        writeErr: (text) => void context.stderr.write(text),
        outputError: (text, write) => write(text.replace(/^error:/, "seamlessctl:")),
      });
  }
  return program;
}

/** Runs one command line. All errors are told on stderr and become an exit code. */
export async function runProgram(argv: readonly string[], context: Context): Promise<ExitCode> {
  const program = createProgram(context);
  try {
    await program.parseAsync(argv, { from: "user" });
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof ExitWith) return error.exitCode;
    if (!(error instanceof SeamlessError)) throw error;
    if (!context.signal.aborted) context.stderr.write(explainFailure(error, program.opts<GlobalOptions>()));
    return exitCodeOf(error.code);
  }
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
