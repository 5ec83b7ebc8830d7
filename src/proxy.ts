import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { ManagementServers } from "./admin/servers.js";
import type { Config } from "./config/config.js";
import { checkBackend } from "./checks/check-backend.js";
import { limitChecker } from "./checks/limited-checker.js";
import { ControlPlane } from "./control/control-plane.js";
import type { ServiceRecord } from "./control/service-record.js";
import type { ServiceState } from "./control/service-state.js";
import type { Engine } from "./engine/engine.js";
import { formatListenAddress } from "./listen-address.js";
import type { Logger } from "./logger.js";
import { memoryStore, type Store } from "./store/store.js";

export interface ProxyOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly version: string;
  readonly logger: Logger;
  /** See `ControlPlaneOptions`. */
  readonly inherited?: (service: string, place: number) => number | undefined;
}

/** A running proxy. */
export interface Proxy {
  /**
   * Stops accepting and taking changes, lets open connections end up to the shutdown timeout (management goes on
   * answering meanwhile), then ends the watches and closes management.
   */
  close(): Promise<void>;
  /**
   * Follows a changed configuration, as far as its services go.
   * @throws ProxyError; see `ControlPlane.reconfigure`
   */
  reload(config: Config): Promise<void>;
  /** Resets every connection; a `close` under way then ends soon. */
  destroy(): void;
}

/** How long calls under way have to end once the data path is closed. */
const MANAGEMENT_GRACE_MS = 1_000;

/** Well within the descriptors that are kept back from clients. */
const MAX_CHECKS_AT_ONCE = 32;

/**
 * Starts the data path first, then management, whose libraries take longer to load than all the rest: after a crash
 * clients are served meanwhile. If any of them can't start, the others are closed again.
 */
export async function startProxy({
  config,
  engine,
  version,
  logger,
  inherited,
}: ProxyOptions): Promise<Proxy> {
  const { store, saved } = await openStore(config);
  const control = new ControlPlane({
    engine,
    version,
    instanceId: randomUUID(),
    checker: limitChecker(checkBackend, MAX_CHECKS_AT_ONCE),
    save: (records) => store.save(records),
    logger,
    ...(inherited && { inherited }),
  });
  for (const endpoint of [config.http, config.grpc]) if ("port" in endpoint) control.reserve(endpoint);
  let management: ManagementServers;
  try {
    await openServices(control, saved, { config, engine, logger });
    const { startManagement } = await import("./admin/servers.js");
    management = await startManagement({ ...config, management: control, logger });
  } catch (error) {
    control.destroy();
    await control.close(0);
    throw error;
  }
  const { grpc, http } = management;
  for (const endpoint of [grpc, http]) if ("port" in endpoint) control.reserve(endpoint);
  const listen = control.serviceNames().flatMap((name) => control.service(name).state().listenAddresses);
  const where = { listen, grpc: formatListenAddress(grpc), http: formatListenAddress(http) };
  logger.info({ event: "ready", ...where, engine: engine.name, version }, "ready");

  return {
    async close() {
      logger.info({ event: "stopping", graceMs: config.shutdownTimeoutMs }, "stopping: no new connections");
      management.setServing(false);
      const report = await control.close(config.shutdownTimeoutMs);
      await management.close(MANAGEMENT_GRACE_MS);
      logger.info({ event: "stopped", ...report }, "stopped");
    },
    destroy: () => control.destroy(),
    async reload(next) {
      management.reloadCredentials();
      await control.reconfigure(next.services);
      tellWhatNeedsRestart(config, next, logger);
      logger.info(
        { event: "reloaded", services: control.serviceNames() },
        "the configuration was read again",
      );
    },
  };
}

type Context = Pick<ProxyOptions, "config" | "engine" | "logger">;

/** Those of the configuration, each with what was saved of it, then those that were created by requests. */
async function openServices(
  control: ControlPlane,
  saved: readonly ServiceRecord[],
  { config, engine, logger }: Context,
): Promise<void> {
  const recordOf = (name: string): ServiceRecord | undefined => saved.find((record) => record.name === name);
  const tell = ({ service, listenAddresses }: ServiceState): void =>
    logger.info({ event: "listening", service, listen: listenAddresses, engine: engine.name }, "listening");
  for (const configured of config.services) {
    const { name, backends } = configured;
    const known = recordOf(name);
    const start = known ? { saved: known } : { backends };
    const state = (await control.openService({ ...configured, start, configured })).state();
    if (known) tellRestored(state, config, logger);
    tell(state);
  }
  for (const record of saved) {
    const { name, definition } = record;
    if (config.services.some((service) => service.name === name)) continue;
    if (definition) {
      const opening = { name, ...definition, start: { saved: record }, configured: undefined };
      tell((await control.openService(opening)).state());
    } else {
      const facts = { event: "forgotten", service: name, backends: record.list.map(({ id }) => id) };
      logger.warn(facts, "the state has a service that is not in the configuration any more");
    }
  }
}

/** What is to be saved where, and what was saved. */
async function openStore({
  state,
  resetState,
}: Config): Promise<{ store: Store; saved: readonly ServiceRecord[] }> {
  if (state === undefined) return { store: memoryStore, saved: [] };
  const { FileStore } = await import("./store/file-store.js");
  const { store, saved } = await FileStore.open(state, resetState);
  return { store, saved: saved?.services ?? [] };
}

/** The state wins over the command line, and nobody should have to guess that. */
function tellRestored(
  { service, revision, backends }: ServiceState,
  { state }: Config,
  logger: Logger,
): void {
  const facts = {
    event: "restored",
    file: state,
    service,
    revision,
    backends: backends.map(({ address }) => address),
  };
  logger.info(
    facts,
    "the saved state is used, not the backends of the configuration (--reset-state would use those)",
  );
}

/** All but the services is read once. */
function tellWhatNeedsRestart(present: Config, next: Config, logger: Logger): void {
  const keys = (Object.keys(present) as (keyof Config)[]).filter((key) => key !== "services");
  const fields = keys.filter((key) => !isDeepStrictEqual(present[key], next[key]));
  if (fields.length === 0) return;
  logger.warn({ event: "needs-restart", fields }, "these have changed, and need an upgrade or a restart");
}
