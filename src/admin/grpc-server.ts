import { Server, ServerCredentials, type ServerOptions } from "@grpc/grpc-js";
import { SeamlessServiceService } from "@seamless/proto";
import { HealthImplementation } from "grpc-health-check";
import { createServer, type Socket } from "node:net";
import type { Management } from "../control/management.js";
import { createSampledLog, type SampledLog } from "../log-sampler.js";
import type { Logger } from "../logger.js";
import type { Access } from "./access/access.js";
import type { TlsContext } from "./access/tls-context.js";
import { createCalls } from "./calls.js";
import { createGrpcHandlers } from "./grpc-handlers.js";
import { watchMessages } from "./message-watch.js";
import type { ManagementRefusals } from "./management-refusals.js";
import {
  openManagementSocket,
  type GivenSocket,
  type ManagementAddress,
  type ManagementSocket,
} from "./management-socket.js";
import { limitPreface } from "./preface-limit.js";
import { MOST_CALLS_AT_ONCE, MOST_MESSAGE_BYTES } from "./peer.js";
import { Peers } from "./peers.js";
import { addReflection } from "./reflection.js";
import { createStreams } from "./streams.js";
import type { Tracer } from "./tracer.js";

/** grpc-js by itself sets no limit on streams or connections. */
const LIMITS: ServerOptions = {
  "grpc.max_receive_message_length": MOST_MESSAGE_BYTES,
  "grpc.max_concurrent_streams": MOST_CALLS_AT_ONCE,
  // Megabytes: above that a session gets no new streams.
  "grpc-node.max_session_memory": 10,
  "grpc.max_connection_idle_ms": 300_000,
  "grpc.max_connection_age_ms": 3_600_000,
  "grpc.max_connection_age_grace_ms": 10_000,
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.enable_channelz": 0,
};

const SERVICES = ["", SeamlessServiceService.get.path.split("/")[1] ?? ""];

export interface GrpcServerOptions {
  readonly management: Management;
  readonly address: ManagementAddress;
  readonly given?: GivenSocket | undefined;
  readonly access: Access;
  /** Of connections by TCP; undefined: none. */
  readonly tls?: TlsContext | undefined;
  readonly refusals: ManagementRefusals;
  readonly logger: Logger;
  /** See `Sampling`. Default: no limit. */
  readonly logRate?: number;
  readonly tracer?: Tracer;
}

export interface GrpcServer {
  readonly endpoint: ManagementAddress;
  readonly socket: GivenSocket;
  /** See `ManagementSocket`. */
  handOver(): void;
  /** What the health service answers. */
  setServing(serving: boolean): void;
  /** Ends the streams with OK, lets calls end, and closes every connection after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>;
}

/** @throws ProxyError LISTEN_FAILED */
export async function startGrpcServer({
  management,
  address,
  given,
  access,
  tls,
  refusals,
  logger,
  logRate = 0,
  tracer,
}: GrpcServerOptions): Promise<GrpcServer> {
  const log = createSampledLog(logger, { now: () => performance.now(), perSecond: logRate });
  const peers = createPeers(log, refusals);
  const server = new Server({ ...LIMITS, interceptors: [watchMessages(peers)] });
  const streams = createStreams(logger, peers);
  server.addService(
    SeamlessServiceService,
    createGrpcHandlers(management, createCalls({ management, access, refusals, logger, streams, tracer })),
  );
  const setServing = addHealth(server);
  // What is asked of it needs no token, so that it is there only where nothing does.
  if (access.isOpen) addReflection(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const inject = (connection: Socket): void => injector.injectConnection(connection);
  const onConnection = tls && !("path" in address) ? tls.accept("h2", inject) : inject;
  const listener = createServer({ noDelay: true }, onConnection);
  listener.on("connection", (connection) => {
    const peer = peers.add(connection);
    limitPreface(connection, () => peer.cut("silent"));
  });
  listener.on("drop", () => refusals.count("grpc", "connections"));
  const socket = await openManagementSocket({ address, given, server: listener });

  return {
    endpoint: socket.endpoint,
    get socket() {
      return socket.socket;
    },
    handOver: () => socket.handOver(),
    setServing,
    async close(graceMs) {
      setServing(false);
      socket.close();
      streams.close();
      await shutDown(server, socket, graceMs);
    },
  };
}

/** Lets calls end, and closes every connection after `graceMs` at the latest. */
async function shutDown(server: Server, socket: ManagementSocket, graceMs: number): Promise<void> {
  const force = setTimeout(() => {
    server.forceShutdown();
    // A session that has said goodbye waits for its peer to do so too, however long that takes.
    socket.destroyConnections();
  }, graceMs);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  // With Node 24 grpc-js takes a session for closed that has only been told to close.
  await socket.empty();
  clearTimeout(force);
}

function createPeers(log: SampledLog, refusals: ManagementRefusals): Peers {
  return new Peers((from, reason) => {
    refusals.count("grpc", reason);
    log("warn", "management-cut", { from, reason }, "a gRPC connection was cut");
  });
}

/** @returns what sets its answer */
function addHealth(server: Server): GrpcServer["setServing"] {
  const health = new HealthImplementation(
    Object.fromEntries(SERVICES.map((service) => [service, "SERVING"])),
  );
  health.addToServer(server);
  return (serving) => {
    for (const service of SERVICES) health.setStatus(service, serving ? "SERVING" : "NOT_SERVING");
  };
}
