import type { Management } from "../control/management.js";
import type { Logger } from "../logger.js";
import { openCredentials, type CredentialPaths } from "./access/credential-files.js";
import { requireCredentials } from "./access/exposure.js";
import { startGrpcServer, type GrpcServer } from "./grpc-server.js";
import { startHttpShim, type HttpShim } from "./http-server.js";
import { ManagementRefusals } from "./management-refusals.js";
import type { GivenSocket, ManagementAddress } from "./management-socket.js";
import type { Tracer } from "./tracer.js";

export interface ManagementOptions {
  readonly management: Management;
  readonly grpc: ManagementAddress;
  /** Undefined: there is no curl interface. */
  readonly http: ManagementAddress | undefined;
  /** Listening sockets that the process was given. */
  readonly given?: { readonly grpc?: GivenSocket | undefined; readonly http?: GivenSocket | undefined };
  readonly credentials: CredentialPaths;
  readonly logger: Logger;
  /** See `Sampling`. */
  readonly logRate: number;
  readonly tracer: Tracer;
}

/** All that the proxy is managed by. */
export interface ManagementServers {
  readonly grpc: ManagementAddress;
  readonly http: ManagementAddress | undefined;
  readonly sockets: { readonly grpc: GivenSocket; readonly http: GivenSocket | undefined };
  /** Accepts no more: another process goes on with the sockets. Calls and watches under way go on. */
  handOver(): void;
  /** What the health service answers. */
  setServing(serving: boolean): void;
  /** Reads certificates and tokens again. */
  reloadCredentials(): void;
  /** Ends the watches, lets calls end, and closes every connection after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>;
}

/** If one of them can't start, the other is closed again. @throws ProxyError LISTEN_FAILED, CONFIG_INVALID */
export async function startManagement(options: ManagementOptions): Promise<ManagementServers> {
  const { management, logger, logRate, tracer, given } = options;
  const credentials = openCredentials(options.credentials, logger);
  const refusals = new ManagementRefusals();
  const { access, tls } = credentials;
  const common = { management, refusals, logger, tracer, access, tls };
  let [grpc, shim]: [GrpcServer?, HttpShim?] = [];
  const close = async (graceMs: number): Promise<void> => {
    credentials.close();
    await Promise.all([grpc?.close(graceMs), shim?.close(graceMs)]);
  };
  try {
    const server = (grpc = await startGrpcServer({
      ...common,
      logRate,
      address: options.grpc,
      given: given?.grpc,
    }));
    if (options.http) shim = await startHttpShim({ ...common, address: options.http, given: given?.http });
    const http = shim;
    // A socket that was given may be bound to another address than was asked for.
    requireCredentials(options.credentials, [server.endpoint, http?.endpoint]);
    return {
      grpc: server.endpoint,
      http: http?.endpoint,
      get sockets() {
        return { grpc: server.socket, http: http?.socket };
      },
      handOver() {
        server.handOver();
        http?.handOver();
      },
      setServing: (serving) => server.setServing(serving),
      reloadCredentials: () => credentials.reload(),
      close,
    };
  } catch (error) {
    await close(0);
    throw error;
  }
}
