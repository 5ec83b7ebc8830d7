import { Argument, Command } from "commander";
import { completionScript, SHELLS, type Shell } from "../completion.js";
import type { Context } from "../context.js";

const HELP = `
Examples:
  source <(seamlessctl completion bash)
  seamlessctl completion zsh > "\${fpath[1]}/_seamlessctl"
  seamlessctl completion fish > ~/.config/fish/completions/seamlessctl.fish`;

export function createCompletionCommand(context: Context): Command {
  return new Command("completion")
    .description("print a script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", HELP)
    .action((shell: Shell, _: object, command: Command) => {
      context.stdout.write(completionScript(shell, command.parent ?? command));
    });
}
