import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What can be completed, read off the commander tree, so that it can't differ from what is parsed. */
interface Entry {
  readonly name: string;
  readonly description: string;
  readonly words: readonly string[];
}

/**
 * A static script for the shell: command names first, then the words of the command. Addresses for `remove` and the like are
 * asked from the proxy by the shell itself, through `seamlessctl get`.
 */
export function completionScript(shell: Shell, program: Command): string {
  const global = optionWords(program);
  const entries = program.commands.map((command): Entry => {
    const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
    const below = command.commands.flatMap((each) => [each.name(), ...optionWords(each)]);
    const words = [...new Set([...choices, ...below, ...optionWords(command), ...global])];
    return { name: command.name(), description: command.description(), words };
  });
  return WRITERS[shell](entries, global);
}

// The last deploy names backends that are in the list no more.
// Only what an address is made of gets through: bash's compgen expands its words, so that one with `$(…)` would run.
const LISTED =
  "seamlessctl get -o json --timeout 1s 2>/dev/null | sed 's/,\"deploy\":.*//' | tr ',{' '\\n\\n' | sed -n 's/^\"address\":\"\\([][A-Za-z0-9._:%-]*\\)\".*/\\1/p'";

/** Commands whose addresses the proxy knows. */
const TAKE_LISTED = "remove|weight|undrain|drain";

const WRITERS: Readonly<Record<Shell, (entries: readonly Entry[], global: readonly string[]) => string>> = {
  bash: (entries, global) => `# bash completion of seamlessctl
_seamlessctl() {
  local typed="\${COMP_LINE:0:COMP_POINT}" previous="\${COMP_WORDS[COMP_CWORD-1]}" verb="" word
  # readline takes HOST:PORT for several words and replaces only the last: match the whole, offer the rest.
  local current="\${typed##*[[:space:]]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in ${entries.map(({ name }) => name).join("|")}) verb="$word"; break ;; esac
  done
  case "$previous" in -o|--output) COMPREPLY=($(compgen -W "table json" -- "$current")); return ;; esac
  local words="${[...entries.map(({ name }) => name), ...global].join(" ")}"
  case "$verb" in
${entries.map(({ name, words }) => `    ${name}) words="${words.join(" ")}" ;;`).join("\n")}
  esac
  if [[ $verb == @(${TAKE_LISTED}) && $current != -* ]]; then words="$words $(${LISTED})"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ $COMP_WORDBREAKS == *:* && $current == *:* ]]; then
    local head="\${current%"\${current##*:}"}"
    COMPREPLY=("\${COMPREPLY[@]#"$head"}")
  fi
}
complete -F _seamlessctl seamlessctl
`,
  zsh: (entries, global) => `#compdef seamlessctl
_seamlessctl() {
  local verb="" word
  for word in "\${words[@]:1:$((CURRENT-2))}"; do
    case "$word" in (${entries.map(({ name }) => name).join("|")}) verb="$word"; break ;; esac
  done
  case "\${words[CURRENT-1]}" in (-o|--output) compadd table json; return ;; esac
  case "$verb" in
${entries.map(({ name, words }) => `    (${name}) compadd -- ${words.join(" ")} ;;`).join("\n")}
    (*) compadd -- ${[...entries.map(({ name }) => name), ...global].join(" ")} ;;
  esac
  if [[ $verb == (${TAKE_LISTED}) ]]; then compadd -- $(${LISTED}); fi
}
if [[ $funcstack[1] == _seamlessctl ]]; then _seamlessctl "$@"; else compdef _seamlessctl seamlessctl; fi
`,
  fish: (entries, global) => `# fish completion of seamlessctl
complete -c seamlessctl -f
${entries.map(({ name, description }) => `complete -c seamlessctl -n __fish_use_subcommand -a ${name} -d '${description.replaceAll("'", "")}'`).join("\n")}
${entries.map(({ name, words }) => `complete -c seamlessctl -n '__fish_seen_subcommand_from ${name}' -a '${words.join(" ")}'`).join("\n")}
complete -c seamlessctl -n __fish_use_subcommand -a '${global.join(" ")}'
complete -c seamlessctl -n '__fish_seen_subcommand_from ${TAKE_LISTED.replaceAll("|", " ")}' -a '(${LISTED.replaceAll("'", "\\'")})'
complete -c seamlessctl -s o -l output -x -a 'table json'
`,
};

function optionWords(command: Command): readonly string[] {
  return command.options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
}
