import { randomUUID } from "node:crypto";
import type { GrpcServer } from "./admin/grpc-server.js";
import type { HttpShim } from "./admin/http-server.js";
import { formatAddress } from "./address.js";
import type { Config } from "./config.js";
import { checkBackend } from "./checks/check-backend.js";
import { limitChecker } from "./checks/limited-checker.js";
import { ControlPlane, DEFAULT_SERVICE } from "./control/control-plane.js";
import type { ServiceRecord } from "./control/service-record.js";
import type { ServiceState } from "./control/service-state.js";
import { DEFAULT_SETTINGS } from "./control/service-settings.js";
import type { Endpoint, Engine } from "./engine/engine.js";
import type { Logger } from "./logger.js";
import { memoryStore, type Store } from "./store/store.js";

export interface ProxyOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly version: string;
  readonly logger: Logger;
}

/** A running proxy. */
export interface Proxy {
  /**
   * Stops accepting and taking changes, lets open connections end up to the shutdown timeout (management goes on
   * answering meanwhile), then ends the watches and closes management.
   */
  close(): Promise<void>;
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
export async function startProxy({ config, engine, version, logger }: ProxyOptions): Promise<Proxy> {
  const { store, saved } = await openStore(config);
  const control = new ControlPlane({
    engine,
    version,
    instanceId: randomUUID(),
    checker: limitChecker(checkBackend, MAX_CHECKS_AT_ONCE),
    save: (records) => store.save(records),
    logger,
  });
  for (const endpoint of [config.http, config.grpc]) if ("port" in endpoint) control.reserve(endpoint);
  const management: { grpc?: GrpcServer; http?: HttpShim } = {};
  const closeManagement = async (graceMs: number): Promise<void> => {
    await Promise.all([management.grpc?.close(graceMs), management.http?.close(graceMs)]);
  };
  const abandon = async (): Promise<void> => {
    control.destroy();
    await Promise.all([control.close(0), closeManagement(0)]);
  };

  try {
    const { connectTimeoutMs, queueTimeoutMs, healthCheck } = config;
    const service = await control.openService({
      name: DEFAULT_SERVICE,
      endpoint: config.listen,
      settings: { ...DEFAULT_SETTINGS, connectTimeoutMs, queueTimeoutMs, healthCheck },
      start: saved ? { saved } : { backends: config.backends.map((address) => ({ address })) },
    });
    if (saved) tellRestored(service.state(), config, logger);
    logger.info({ event: "listening", listen: show(service.endpoint), engine: engine.name }, "listening");
    const [{ startGrpcServer }, { startHttpShim }] = await Promise.all([
      import("./admin/grpc-server.js"),
      import("./admin/http-server.js"),
    ]);
    management.grpc = await startGrpcServer({ management: control, address: config.grpc, logger });
    management.http = await startHttpShim({ management: control, address: config.http, logger });
    for (const { endpoint } of [management.grpc, management.http])
      if ("port" in endpoint) control.reserve(endpoint);
    const [grpc, http] = [show(management.grpc.endpoint), show(management.http.endpoint)];
    logger.info(
      { event: "ready", listen: show(service.endpoint), grpc, http, engine: engine.name, version },
      "ready",
    );
  } catch (error) {
    await abandon();
    throw error;
  }

  return {
    async close() {
      logger.info({ event: "stopping", graceMs: config.shutdownTimeoutMs }, "stopping: no new connections");
      management.grpc?.setServing(false);
      const report = await control.close(config.shutdownTimeoutMs);
      await closeManagement(MANAGEMENT_GRACE_MS);
      logger.info({ event: "stopped", ...report }, "stopped");
    },
    destroy: () => control.destroy(),
  };
}

function show(endpoint: Endpoint | { readonly path: string }): string {
  return "path" in endpoint ? `unix:${endpoint.path}` : formatAddress(endpoint);
}

/** What is to be saved where, and what was saved of the service. */
async function openStore({
  state,
  resetState,
}: Config): Promise<{ store: Store; saved: ServiceRecord | undefined }> {
  if (state === undefined) return { store: memoryStore, saved: undefined };
  const { FileStore } = await import("./store/file-store.js");
  const { store, saved } = await FileStore.open(state, resetState);
  return { store, saved: saved?.services.find(({ name }) => name === DEFAULT_SERVICE) };
}

/** The state wins over the command line, and nobody should have to guess that. */
function tellRestored({ revision, backends }: ServiceState, config: Config, logger: Logger): void {
  const facts = {
    event: "restored",
    file: config.state,
    revision,
    backends: backends.map(({ address }) => address),
  };
  logger.info(
    facts,
    "the saved state is used, not the command line's backends (--reset-state would use those)",
  );
}
