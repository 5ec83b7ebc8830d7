import { Command, Option } from "commander";
import type { BalanceInput, CheckKind, LeftList, ServiceSettingsInput, ServiceState } from "@seamless/sdk";
import { collectBackends, type BackendArgument } from "../backend-argument.js";
import type { Context } from "../context.js";
import { durationOption } from "../duration.js";
import { parseCheckKind } from "../health-flags.js";
import { jsonState, toJsonLine } from "../json.js";
import { parseCount } from "../number-argument.js";
import { stateWord } from "../state-text.js";
import { formatTable } from "../table.js";
import { withClient } from "../with-client.js";

const BALANCES: readonly BalanceInput[] = [
  "round_robin",
  "least_connections",
  "source_hash",
  "random_two_choices",
];
const HEAD = ["SERVICE", "LISTENING", "REVISION", "OPEN", "ACCEPTED", "BACKENDS"];
const NUMERIC = new Set([2, 3, 4]);

export function createServiceCommand(context: Context): Command {
  return new Command("service")
    .description("show, create and delete the services of the proxy")
    .addCommand(createListCommand(context))
    .addCommand(createCreateCommand(context))
    .addCommand(createDeleteCommand(context));
}

function createListCommand(context: Context): Command {
  return new Command("list").description("show all services").action((_: object, command: Command) =>
    withClient(context, command, async ({ client, options }) => {
      const services = await client.listServices({ signal: context.signal });
      context.stdout.write(
        options.output === "json"
          ? toJsonLine({ services: services.map(jsonState) })
          : formatTable([HEAD, ...services.map(toRow)], NUMERIC),
      );
    }),
  );
}

interface CreateFlags {
  readonly listen: readonly string[];
  readonly connectTimeout?: number;
  readonly queueTimeout?: number;
  readonly idleTimeout?: number;
  readonly halfCloseTimeout?: number;
  readonly maxConnections?: number;
  readonly maxConnectionsPerClient?: number;
  readonly maxAcceptsPerSecond?: number;
  readonly balance?: BalanceInput;
  readonly sendProxy?: "v1" | "v2";
  readonly acceptProxyFrom?: readonly string[];
  readonly health?: CheckKind;
}

function createCreateCommand(context: Context): Command {
  return new Command("create")
    .description("open another service, which lasts as the lists do")
    .argument("<name>", "letters, digits, '.', '_' and '-'")
    .argument("[backends...]", "HOST:PORT or HOST:PORT=WEIGHT, also separated by commas", collectBackends)
    .addOption(new Option("--listen <address...>", "PORT, HOST:PORT or unix:/path").makeOptionMandatory())
    .addOption(durationOption("--connect-timeout <time>", "for connecting to one backend"))
    .addOption(durationOption("--queue-timeout <time>", "hold clients while no backend works"))
    .addOption(durationOption("--idle-timeout <time>", "close connections that are silent"))
    .addOption(durationOption("--half-close-timeout <time>", "the same for those ended in one direction"))
    .addOption(new Option("--max-connections <count>", "open at once").argParser(parseCount))
    .addOption(new Option("--max-connections-per-client <count>", "of one address").argParser(parseCount))
    .addOption(new Option("--max-accepts-per-second <count>", "new connections").argParser(parseCount))
    .addOption(new Option("--balance <way>", "how new connections are shared out").choices(BALANCES))
    .addOption(new Option("--send-proxy <version>", "tell backends who the client is").choices(["v1", "v2"]))
    .addOption(new Option("--accept-proxy-from <network...>", "whose PROXY header says who the client is"))
    .addOption(new Option("--health <kind>", "tcp, http:/path or grpc[:service]").argParser(parseCheckKind))
    .action(
      (
        name: string,
        backends: readonly BackendArgument[] | undefined,
        flags: CreateFlags,
        command: Command,
      ) =>
        withClient(context, command, async ({ client, options }) => {
          const { listen, ...settings } = flags;
          const wanted = { listen, backends: backends ?? [], settings: toSettings(settings) };
          const { joinedList, ...state } = await client.createService(name, wanted, {
            signal: context.signal,
          });
          context.stdout.write(
            options.output === "json"
              ? toJsonLine({ ...jsonState(state), joinedList })
              : describeCreated(state, joinedList),
          );
        }),
    );
}

function describeCreated(state: ServiceState, joinedList: boolean): string {
  const { service, listenAddresses, revision } = state;
  const created = `created service ${service}, listening on ${listenAddresses.join(", ")}`;
  if (!joinedList) return `${created}\n`;
  return `${created}; it has joined the list that the fleet has of it, revision ${revision}: ${describeBackends(state)}\n`;
}

function createDeleteCommand(context: Context): Command {
  return new Command("delete")
    .description("end a service; its open connections end in their own time")
    .argument("<name>", "its name")
    .option("--with-list", "also remove the list that the fleet has of it, if no other live proxy serves it")
    .action((name: string, { withList = false }: { readonly withList?: boolean }, command: Command) =>
      withClient(context, command, async ({ client, options }) => {
        const { list } = await client.deleteService(name, { withList, signal: context.signal });
        context.stdout.write(
          options.output === "json"
            ? toJsonLine({ deleted: name, ...(list && { list }) })
            : describeDeleted(name, list),
        );
      }),
    );
}

function describeDeleted(name: string, list: LeftList | undefined): string {
  const deleted = `deleted service ${name}`;
  if (!list) return `${deleted}\n`;
  if (list.removed) return `${deleted}, and the list that the fleet had of it\n`;
  if (list.servedBy.length > 0)
    return `${deleted} on this proxy; ${list.servedBy.join(", ")} goes on with the list\n`;
  return (
    `${deleted}; its list is left in the store, where a service that is created under this name joins it ` +
    `(\`seamlessctl service delete ${name} --with-list\` removes it)\n`
  );
}

/** What a setting is called on the command line, where that is another name. */
const TIMES = {
  connectTimeout: "connectTimeoutMs",
  queueTimeout: "queueTimeoutMs",
  idleTimeout: "idleTimeoutMs",
  halfCloseTimeout: "halfCloseTimeoutMs",
} as const;

function toSettings({ health, sendProxy, ...flags }: Omit<CreateFlags, "listen">): ServiceSettingsInput {
  const settings = Object.entries(flags).map(([flag, value]) => {
    return [flag in TIMES ? TIMES[flag as keyof typeof TIMES] : flag, value] as const;
  });
  return {
    ...Object.fromEntries(settings),
    ...(sendProxy && { sendProxy: Number(sendProxy.slice(1)) }),
    ...(health && { healthCheck: health }),
  };
}

function describeBackends({ backends }: ServiceState): string {
  const each = backends.map(({ address, weight, state }) => {
    const word = stateWord(state);
    return `${address}${weight === 1 ? "" : `=${weight}`}${word === "active" ? "" : ` (${word})`}`;
  });
  return each.join(" ") || "-";
}

function toRow(state: ServiceState): readonly string[] {
  return [
    state.service,
    state.listenAddresses.join(" "),
    String(state.revision),
    String(state.openConnections),
    String(state.acceptedConnections),
    describeBackends(state),
  ];
}
