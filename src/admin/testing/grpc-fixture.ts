import type { TestContext } from "node:test";
import { credentials, type ChannelOptions, type ServiceError } from "@grpc/grpc-js";
import { SeamlessServiceClient } from "@seamless/proto";
import { pino } from "pino";
import { createAccess } from "../access/access.js";
import { startGrpcServer, type GrpcServer, type GrpcServerOptions } from "../grpc-server.js";
import { ManagementRefusals } from "../management-refusals.js";
import type { ManagementAddress } from "../management-socket.js";
import { FakeManagement } from "./fake-management.js";

export const OPEN_ACCESS = createAccess(() => undefined);

export interface GrpcFixture {
  readonly management: FakeManagement;
  readonly refusals: ManagementRefusals;
  readonly server: GrpcServer;
  /** `host:port` or `unix:path`. */
  readonly target: string;
  readonly port: number;
  /** What the server has logged, as JSON lines. */
  readonly log: string[];
  /** A client with a connection of its own. */
  readonly connect: (options?: ChannelOptions) => SeamlessServiceClient;
}

export async function startGrpc(
  t: TestContext,
  address: ManagementAddress = { host: "127.0.0.1", port: 0 },
  options: Partial<GrpcServerOptions> = {},
): Promise<GrpcFixture> {
  const management = new FakeManagement();
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const refusals = new ManagementRefusals();
  const server = await startGrpcServer({
    management,
    address,
    refusals,
    logger,
    access: OPEN_ACCESS,
    ...options,
  });
  const { endpoint } = server;
  const target = "path" in endpoint ? `unix:${endpoint.path}` : `${endpoint.host}:${endpoint.port}`;
  const clients: SeamlessServiceClient[] = [];
  t.after(async () => {
    for (const client of clients) client.close();
    await server.close(0);
  });
  return {
    management,
    refusals,
    server,
    target,
    port: "port" in endpoint ? endpoint.port : 0,
    log,
    connect(options) {
      const own = { "grpc.use_local_subchannel_pool": 1, ...options };
      const client = new SeamlessServiceClient(target, credentials.createInsecure(), own);
      clients.push(client);
      return client;
    },
  };
}

/** One unary call as a promise. */
export function ask<Response>(
  start: (callback: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error) reject(error);
      else resolve(response);
    });
  });
}
