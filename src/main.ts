import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { CommanderError } from "commander";
import type { Config } from "./config/config.js";
import { createDaemonProgram, translateGoFlags } from "./config/daemon-program.js";
import { dropFalseFlags } from "./config/flag.js";
import type { NewToken } from "./config/token-command.js";
import {
  connectionCap,
  defaultThreads,
  descriptorShortage,
  readDescriptorLimit,
} from "./descriptor-limit.js";
import { chooseEngine, type ChosenEngine } from "./engine/choose-engine.js";
import { ProxyError } from "./errors.js";
import { createLogger, type Logger } from "./logger.js";
import type { Proxy } from "./proxy.js";
import { startProxy, type ProxyOptions } from "./start-proxy.js";
import { readActivation } from "./supervisor/activation.js";
import { createNotifier } from "./supervisor/notify.js";
import { createTracing } from "./tracing/tracing.js";
import type { Peer } from "./upgrade/channel.js";
import { createLaunch, isLaunched } from "./upgrade/launch.js";

/** For the answer to who has asked for an upgrade to leave before the process ends. */
const LAST_WORDS_MS = 500;
const EXIT = { stopped: 0, failed: 1, usage: 2 } as const;

const takesOver = isLaunched(process.env, process.ppid) && process.connected;
const launch = createLaunch({
  path: process.execPath,
  args: [...process.execArgv, ...process.argv.slice(1)],
  environment: process.env,
  pid: process.pid,
});

interface Manifest {
  readonly version: string;
}

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as Manifest;

function openLog({ logLevel: level, logFormat: format }: Config): Promise<Logger> {
  const colour = process.stderr.isTTY && process.env["NO_COLOR"] === undefined;
  return createLogger({ level, format, descriptor: process.stderr.fd, colour });
}

/** Answers the signals that have come since the start of the process, and leaves those that come to whoever calls it. */
export type TakeSignals = () => readonly NodeJS.Signals[];

interface Running {
  readonly config: Config;
  readonly reread: (() => Promise<Config>) | undefined;
  readonly takeSignals: TakeSignals;
}

async function run({ config, reread, takeSignals }: Running): Promise<void> {
  const logger = await openLog(config);
  process.on("exit", () => logger.flush());
  const chosen = await chooseFittingEngine(config, logger);
  const { engine } = chosen;
  const notifier = createNotifier(process.env, process.pid);
  const tracing = createTracing(process.env, { version, pid: process.pid, logger });
  const starting = start({ config, engine, version, pid: process.pid, logger, launch, tracing });
  let proxy: Proxy | undefined = undefined;

  let stopping = false;
  // A signal that comes while it starts stops it in order, too, as soon as it has started.
  const stop = (exitCode: number): void => {
    if (stopping) {
      proxy?.destroy();
      process.exit(exitCode);
    }
    stopping = true;
    notifier.stopping();
    starting
      .then((started) => started.close())
      .then(() => tracing.close())
      .then(
        () => process.exit(exitCode),
        (error: unknown) => {
          // Why it could not start is told below.
          if (!proxy) return;
          logger.fatal({ event: "stop-failed", err: error }, "could not stop in order");
          process.exit(EXIT.failed);
        },
      );
  };
  process.on("SIGTERM", () => stop(EXIT.stopped));
  process.on("SIGINT", () => stop(EXIT.stopped));
  let reloading = Promise.resolve();
  process.on("SIGHUP", () => {
    notifier.reloading();
    reloading = reloading.then(() => reload({ reread, starting, logger })).finally(() => notifier.ready());
  });
  process.on("SIGUSR2", () => void starting.then((started) => started.upgrade()).catch(tellNothing));
  for (const signal of takeSignals()) process.emit(signal, signal);
  // The state of the program is unknown after this: let open connections end, then leave it to the supervisor.
  process.on("uncaughtException", (error) => {
    // Also if it is while starting, when there is nothing yet to stop.
    process.exitCode = EXIT.failed;
    logger.fatal({ event: "uncaught", err: error }, "a bug in seamless: stopping");
    stop(EXIT.failed);
  });

  proxy = await starting;
  notifier.ready();
  tellEngine(chosen, logger);
  void proxy.replaced
    .then(() => tracing.close())
    .then(() => setTimeout(() => process.exit(EXIT.stopped), LAST_WORDS_MS));
}

function chooseFittingEngine(
  { engine: choice, threads: asked }: Config,
  logger: Logger,
): Promise<ChosenEngine> {
  const limit = readDescriptorLimit();
  const threads = asked ?? defaultThreads(limit, availableParallelism());
  const shortage = descriptorShortage(limit, threads);
  if (shortage !== undefined) throw new ProxyError("ENGINE_UNAVAILABLE", shortage);
  return chooseEngine({
    choice,
    threads,
    maxConnections: connectionCap(limit, threads),
    // Processes that write to one log are told apart by when they began, and by their numbers if that was at once.
    idPrefix: `${Date.now().toString(36)}${process.pid.toString(36)}`,
    tellEnds: logger.isLevelEnabled("debug"),
  });
}

function tellEngine({ engine: { name }, reason, isSecondBest }: ChosenEngine, logger: Logger): void {
  const level = isSecondBest ? "warn" : "info";
  logger[level]({ event: "engine", engine: name, reason }, `the ${name} engine moves the data`);
}

/** Alone, or in the place of the process that has started this one. */
async function start(options: Omit<ProxyOptions, "sockets" | "predecessor">): Promise<Proxy> {
  if (!takesOver) return startProxy({ ...options, sockets: readActivation(process.env, process.pid) });
  // All that takes long to load, since changes wait once the other process has been told.
  const [{ Predecessor }] = await Promise.all([
    import("./upgrade/predecessor.js"),
    import("./admin/servers.js"),
    options.tracing.tracer(),
    import("./proxy.js"),
    options.config.state !== undefined && import("./store/file-store.js"),
  ]);
  const predecessor = await Predecessor.meet(process as Peer, version);
  return startProxy({ ...options, sockets: predecessor.sockets, predecessor });
}

/** An upgrade that failed has told so itself. */
function tellNothing(error: unknown): void {
  if (!(error instanceof ProxyError)) throw error;
}

interface Reloading {
  readonly reread: (() => Promise<Config>) | undefined;
  readonly starting: Promise<Proxy>;
  readonly logger: Logger;
}

/** A configuration that is wrong changes nothing. */
async function reload({ reread, starting, logger }: Reloading): Promise<void> {
  if (!reread) {
    logger.warn({ event: "not-reloaded" }, "there is no configuration file to read again (--config)");
    return;
  }
  try {
    const proxy = await starting;
    await proxy.reload(await reread());
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    logger.error({ event: "reload-failed", reason: error.message }, "the configuration can't be used");
  }
}

function checked({ services }: Config, file: string): void {
  const names = services.map(({ name }) => name).join(", ");
  process.stdout.write(`${file} is right; services: ${names}\n`);
}

function tokenMade({ token, entry }: NewToken): void {
  process.stdout.write(`${token}\n`);
  process.stderr.write(
    `# The line on stdout is for whoever is to use it, and kept nowhere. This is for the tokens file:\n${entry}\n`,
  );
}

function tellPredecessor(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.send?.({ type: "failed", message }, () => process.disconnect());
}

/** @param takeSignals those that were sent before this process could do what they ask for */
export async function main(takeSignals: TakeSignals): Promise<void> {
  // Who reads the help may have read enough of it.
  process.stdout.on("error", () => undefined);
  try {
    const program = createDaemonProgram(version, {
      run: (config, reread) => run({ config, reread, takeSignals }),
      checked,
      tokenMade,
    });
    dropFalseFlags(program, process.env);
    await program.parseAsync(translateGoFlags(process.argv.slice(2)), { from: "user" });
  } catch (error) {
    if (takesOver) tellPredecessor(error);
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.stopped : EXIT.usage;
    } else if (error instanceof ProxyError) {
      process.stderr.write(`${error.message.replaceAll(/^/gm, "seamless: ")}\n`);
      process.exitCode = EXIT.failed;
    } else {
      throw error;
    }
  }
}
