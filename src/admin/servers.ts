import type { Management } from "../control/management.js";
import type { Logger } from "../logger.js";
import { openCredentials, type CredentialPaths } from "./access/credential-files.js";
import { startGrpcServer, type GrpcServer } from "./grpc-server.js";
import { startHttpShim, type HttpAddress } from "./http-server.js";
import type { ManagementAddress } from "./management-socket.js";

export interface ManagementOptions {
  readonly management: Management;
  readonly grpc: ManagementAddress;
  readonly http: HttpAddress;
  readonly credentials: CredentialPaths;
  readonly logger: Logger;
}

/** All that the proxy is managed by. */
export interface ManagementServers {
  readonly grpc: ManagementAddress;
  readonly http: HttpAddress;
  /** What the health service answers. */
  setServing(serving: boolean): void;
  /** Reads certificates and tokens again. */
  reloadCredentials(): void;
  /** Ends the watches, lets calls end, and closes every connection after `graceMs` at the latest. */
  close(graceMs: number): Promise<void>;
}

/** If one of them can't start, the other is closed again. @throws ProxyError LISTEN_FAILED, CONFIG_INVALID */
export async function startManagement(options: ManagementOptions): Promise<ManagementServers> {
  const { management, logger } = options;
  const credentials = openCredentials(options.credentials, logger);
  const common = { management, logger, access: credentials.access, tls: credentials.tls };
  let grpc: GrpcServer | undefined;
  try {
    const server = (grpc = await startGrpcServer({ ...common, address: options.grpc }));
    const shim = await startHttpShim({ ...common, address: options.http });
    return {
      grpc: server.endpoint,
      http: shim.endpoint,
      setServing: (serving) => server.setServing(serving),
      reloadCredentials: () => credentials.reload(),
      async close(graceMs) {
        credentials.close();
        await Promise.all([server.close(graceMs), shim.close(graceMs)]);
      },
    };
  } catch (error) {
    credentials.close();
    await grpc?.close(0);
    throw error;
  }
}
