import { randomUUID } from "node:crypto";
import { closeSync } from "node:fs";
import { hostname } from "node:os";
import type { ManagementOptions, ManagementServers } from "./admin/servers.js";
import type { Config } from "./config/config.js";
import { checkBackend } from "./checks/check-backend.js";
import { limitChecker } from "./checks/limited-checker.js";
import { ControlPlane } from "./control/control-plane.js";
import type { Fleet } from "./control/fleet.js";
import type { ServiceRecord } from "./control/service-record.js";
import type { Engine } from "./engine/engine.js";
import { ProxyError } from "./errors.js";
import { formatListenAddress } from "./listen-address.js";
import { tellLifeCycle } from "./life-cycle.js";
import type { Logger } from "./logger.js";
import { enterServices, openServices } from "./open-services.js";
import { checkBeforehand } from "./preflight.js";
import type { Proxy } from "./proxy.js";
import { memoryStore, type Store } from "./store/store.js";
import { MANAGEMENT_OWNERS, type GivenSockets } from "./supervisor/activation.js";
import type { Tracing } from "./tracing/tracing.js";
import type { Predecessor } from "./upgrade/predecessor.js";
import type { Launch } from "./upgrade/upgrader.js";

export interface ProxyOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly version: string;
  readonly pid: number;
  readonly logger: Logger;
  /** Of management calls. Whoever passes it closes it. */
  readonly tracing: Pick<Tracing, "tracer">;
  /** Listening sockets that the process was given. */
  readonly sockets: GivenSockets;
  /** The process whose place this one takes. */
  readonly predecessor?: Predecessor | undefined;
  readonly launch: Launch;
}

/** Well within the descriptors that are kept back from clients. */
const MAX_CHECKS_AT_ONCE = 32;

/**
 * Starts the data path first, then management, whose libraries take longer to load than all the rest: after a crash
 * clients are served meanwhile. In the place of another process it is the other way round: that one serves until all
 * here that can fail has not. If any of them can't start, the others are closed again.
 */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const { config, engine, logger, sockets, predecessor } = options;
  // Until this process has taken over, the other one serves whatever goes wrong here.
  if (!predecessor) await checkBeforehand(config, sockets);
  const { store, saved } = await openStore(options);
  const records = predecessor?.records ?? saved;
  const fleet = await joinFleet(options, records);
  let proxy: Proxy | undefined = undefined;
  const notYet = new ProxyError("UPGRADE_IN_PROGRESS", "this process is just starting");
  const upgrade: Proxy["upgrade"] = () => proxy?.upgrade() ?? Promise.reject(notYet);
  const control = createControlPlane(options, { store, fleet, upgrade });
  let management: ManagementServers | undefined;
  try {
    await openServices({
      control,
      config,
      saved: records,
      handedOver: predecessor !== undefined,
      logger,
    });
    if (!predecessor) await enterServices(control, engine.name, logger);
    const [{ startManagement }, { Proxy }, tracer] = await loadRest(options);
    const given = socketsOfManagement(config, sockets);
    management = await startManagement({ ...config, management: control, given, logger, tracer });
    if (predecessor) await takeOver(predecessor, control, options);
    closeUnused(sockets, logger);
    tellReady(options, control, management);
    proxy = new Proxy({ ...options, control, management });
    return proxy;
  } catch (error) {
    control.destroy();
    await Promise.all([control.close(0), management?.close(0)]);
    throw error;
  }
}

/** What is not needed to serve clients. */
const loadRest = ({ tracing }: ProxyOptions) =>
  Promise.all([import("./admin/servers.js"), import("./proxy.js"), tracing.tracer()]);

function createControlPlane(
  { config, engine, version, logger, sockets, predecessor }: ProxyOptions,
  { store, fleet, upgrade }: { store: Store; fleet: Fleet | undefined; upgrade: Proxy["upgrade"] },
): ControlPlane {
  const control = new ControlPlane({
    engine,
    version,
    instanceId: randomUUID(),
    checker: limitChecker(checkBackend, MAX_CHECKS_AT_ONCE),
    save: (records) => store.save(records),
    store: { kind: store.kind, available: true, staleSinceUnixMs: undefined, error: "" },
    fleet,
    logger,
    logRate: config.logRate,
    sockets: (service, listen) => sockets.of(service, listen),
    predecessor,
    upgrade,
  });
  reserve(control, config);
  return control;
}

/** Management is no backend. */
function reserve(control: ControlPlane, { http, grpc }: Pick<ManagementServers, "http" | "grpc">): void {
  for (const endpoint of [http, grpc]) if (endpoint && "port" in endpoint) control.reserve(endpoint);
}

/** From when this process accepts until the other one does no more, nothing is changed: both go by the same lists. */
async function takeOver(
  predecessor: Predecessor,
  control: ControlPlane,
  { engine, logger }: ProxyOptions,
): Promise<void> {
  const goOn = await control.standStill();
  await enterServices(control, engine.name, logger);
  await predecessor.relieve();
  goOn();
}

/** What is to be saved where, and what was saved. */
async function openStore({
  config: { state, resetState, store: shared },
  logger,
}: ProxyOptions): Promise<{ store: Store; saved: readonly ServiceRecord[] }> {
  if (state === undefined) return { store: memoryStore, saved: [] };
  const { FileStore } = await import("./store/file-store.js");
  const { store, saved } = await FileStore.open(state, resetState);
  return { store: shared ? copyOnly(store, logger) : store, saved: saved?.services ?? [] };
}

/** What is in the file is only to start from while the shared store can't be reached, so that a change does not fail by it. */
function copyOnly(file: Store, logger: Logger): Store {
  return {
    kind: file.kind,
    save: (records) =>
      file.save(records).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        logger.error({ event: "copy-failed", reason }, "the copy of the lists could not be saved");
      }),
  };
}

/** Undefined: the lists are this proxy's alone. */
async function joinFleet(
  { config, version, logger, predecessor }: ProxyOptions,
  records: readonly ServiceRecord[],
): Promise<Fleet | undefined> {
  const { store, services, proxyName } = config;
  if (!store) return undefined;
  const { openFleet } = await import("./fleet/open-fleet.js");
  const hasCopy = services.every(({ name }) => records.some((record) => record.name === name));
  const id = predecessor?.fleetId ?? randomUUID();
  const name = proxyName ?? defaultName(services);
  return openFleet({ store, self: { id, name, version, startedUnixMs: Date.now() }, hasCopy, logger });
}

function defaultName([first]: Config["services"]): string {
  const port = first?.listen.find((address) => "port" in address)?.port ?? 0;
  return port === 0 ? hostname() : `${hostname()}:${port}`;
}

function socketsOfManagement(
  { grpc, http }: Config,
  sockets: GivenSockets,
): NonNullable<ManagementOptions["given"]> {
  return {
    grpc: sockets.of(MANAGEMENT_OWNERS.grpc, [grpc]).take(grpc),
    http: http && sockets.of(MANAGEMENT_OWNERS.http, [http]).take(http),
  };
}

/** A socket that stays open without anybody who accepts would let its clients wait for ever. Its file goes first, as always. */
function closeUnused({ left }: GivenSockets, logger: Logger): void {
  if (left.length === 0) return;
  for (const { descriptor, claim } of left) {
    claim?.release();
    closeSync(descriptor);
  }
  const names = left.map(({ owner }) => owner);
  logger.warn({ event: "sockets-left", names }, "these sockets belong to no service, and are closed");
}

function tellReady(
  { engine, version, logger }: ProxyOptions,
  control: ControlPlane,
  servers: ManagementServers,
): void {
  const { grpc, http } = servers;
  reserve(control, servers);
  const listen = control.serviceNames().flatMap((name) => control.service(name).state().listenAddresses);
  const where = { listen, grpc: formatListenAddress(grpc), http: http ? formatListenAddress(http) : "off" };
  tellLifeCycle(logger, { event: "ready", ...where, engine: engine.name, version }, "ready");
}
