import { Command } from "commander";
import type { ListenAddress } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { parseListenAddress } from "../listen-address.js";
import { toConfig, type Config } from "./config.js";
import { flag, understood } from "./flag.js";
import { refuseLonelyFlags } from "./lonely-flags.js";
import { processFlags, type ProcessFlags } from "./process-flags.js";
import { parseBackendText } from "./backend-text.js";
import type { ServiceConfig } from "../control/service-config.js";
import { DEFAULT_SERVICE } from "../control/service-name.js";
import { createTokenCommand, type NewToken } from "./token-command.js";
import { serviceFlags, toServiceSettings, type ServiceFlags } from "./service-flags.js";
import type { BackendRequest } from "../control/management.js";

type Flags = ProcessFlags & ServiceFlags & { readonly config?: string; readonly resetState?: boolean };

/** What the program is to do. */
export interface DaemonActions {
  /**
   * @param reread reads the configuration again, after a change of its file; undefined if there is none
   * @throws ProxyError CONFIG_INVALID by `reread`
   */
  readonly run: (config: Config, reread: (() => Promise<Config>) | undefined) => Promise<void>;
  /** The file was found to be right. */
  readonly checked: (config: Config, file: string) => void;
  readonly tokenMade: (made: NewToken) => void;
}

const HELP = `
Examples:
  seamless 8080 localhost:4444                  clients connect to port 8080, all interfaces
  seamless 127.0.0.1:8080 web1:80,web2:80       loopback only, two backends in turn
  seamless --config /etc/seamless/seamless.yaml several services; SIGHUP reads the file again
  seamless check /etc/seamless/seamless.yaml    says what is wrong with it, or that nothing is
  seamlessctl add localhost:4445                put a backend into the rotation
  curl 'http://localhost:6777/remove?backend=localhost:4444'

Durations are written as 500ms, 3s, 2m or 0. SIGTERM and SIGINT stop accepting and let open connections end, up to
--shutdown-timeout; a second one ends at once. In a configuration file every flag is a field, with _ for -.
Exit codes: 0 stopped as told, 1 could not start or failed, 2 usage.`;

/** The command line of `seamless`. An action is called with what it says; errors are commander's, or ProxyError. */
export function createDaemonProgram(version: string, { run, checked, tokenMade }: DaemonActions): Command {
  const program = new Command("seamless")
    .description("A layer-4 (TCP) proxy for deploying without downtime.")
    .argument(
      "[listen]",
      "where clients connect: PORT (all interfaces), HOST:PORT or unix:/path",
      parseListen,
    )
    .argument(
      "[backends]",
      "where they are connected to: HOST:PORT, several separated by commas",
      parseBackendList,
    )
    .addOption(flag("--config <file>", "instead of both: a YAML file with services"))
    .addOption(flag("--reset-state", "begin with <backends>, whatever the state file says"))
    .version(`seamless ${version}`, "--version", "print the version and exit")
    .helpOption("-h, --help", "print this help and exit")
    .addHelpText("after", HELP)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, "seamless:")) })
    .showHelpAfterError("Run seamless --help for the whole usage.")
    .exitOverride()
    .action(
      (
        listen: ListenAddress | undefined,
        backends: readonly BackendRequest[] | undefined,
        _,
        self: Command,
      ) => {
        const flags = self.opts<Flags>();
        if (flags.config === undefined) return run(fromArguments(self, listen, backends), undefined);
        if (listen !== undefined)
          self.error("error: give either <listen> and <backends> or --config, not both");
        return runFromFile(flags.config, self, run);
      },
    );
  for (const option of [...processFlags(), ...serviceFlags()]) program.addOption(option);
  program.addCommand(createTokenCommand(tokenMade).copyInheritedSettings(program));
  program
    .command("check <file>")
    .description("say what is wrong with a configuration file; exit 1 if anything is")
    .action(async (file: string, _, self: Command) =>
      checked(await readConfig(file, self.parent ?? self), file),
    );
  return program;
}

function fromArguments(
  command: Command,
  listen: ListenAddress | undefined,
  backends: readonly BackendRequest[] | undefined,
): Config {
  return asUsage(command, () => {
    const service = oneService(command, listen, backends);
    refuseLonelyFlags(Object.keys(saidBy(command)));
    return toConfig([service], command.opts<Flags>());
  });
}

function oneService(
  command: Command,
  listen: ListenAddress | undefined,
  backends: readonly BackendRequest[] | undefined,
): ServiceConfig {
  if (listen === undefined) command.error("error: missing required argument 'listen' (or --config <file>)");
  if (backends === undefined) command.error("error: missing required argument 'backends'");
  return { name: DEFAULT_SERVICE, listen: [listen], backends, settings: toServiceSettings(command.opts()) };
}

/** What only makes sense together is looked at together, and is a usage error like any other. */
function asUsage<T>(command: Command, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProxyError) return command.error(`error: ${error.message}`);
    throw error;
  }
}

async function runFromFile(file: string, command: Command, run: DaemonActions["run"]): Promise<void> {
  const read = (): Promise<Config> => readConfig(file, command);
  await run(await read(), read);
}

/** The command line and the environment weigh more than the file; of services they give what the file does not say. */
async function readConfig(path: string, command: Command): Promise<Config> {
  // Its libraries would take 50 ms of each start without a file.
  const { readConfigFile } = await import("./config-file.js");
  const said = saidBy(command);
  const file = readConfigFile(path, said);
  const ofServices = serviceFlags().map((option) => option.attributeName());
  const ofProcess = Object.keys(said).filter((name) => !ofServices.includes(name));
  return asUsage(command, () => {
    refuseLonelyFlags([...ofProcess, ...Object.keys(file.process)]);
    return toConfig(file.services, { ...command.opts<Flags>(), ...file.process, ...said });
  });
}

/** What the command line and the environment say, without what nobody has said. */
function saidBy(command: Command): Readonly<Record<string, unknown>> {
  const isSaid = (name: string): boolean =>
    !["default", undefined].includes(command.getOptionValueSource(name));
  return Object.fromEntries(Object.entries(command.opts()).filter(([name]) => isSaid(name)));
}

/** The Go program's own flags, `-httpPort N`, `-httpPort=N` and `-version`, in the form that commander reads. */
export function translateGoFlags(argv: readonly string[]): string[] {
  return argv.map((arg) =>
    arg.replace(/^--?httpPort(?==|$)/, "--http-port").replace(/^-version$/, "--version"),
  );
}

function parseListen(text: string): ListenAddress {
  return understood(() => parseListenAddress(text));
}

function parseBackendList(text: string): readonly BackendRequest[] {
  return text.split(",").map((entry) => understood(() => parseBackendText(entry)));
}
