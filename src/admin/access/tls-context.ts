import type { Server, Socket } from "node:net";
import { createServer, type SecureContextOptions, type TlsOptions, type TLSSocket } from "node:tls";

/** PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Clients must have a certificate of one of these authorities; undefined: they need none. */
  readonly clientCa: string | undefined;
}

const HANDSHAKE_TIMEOUT_MS = 5_000;

/** The TLS of management: certificates that can be replaced while connections live. */
export class TlsContext {
  #files: TlsFiles;
  readonly #followers: { setSecureContext(options: SecureContextOptions): void }[] = [];

  constructor(files: TlsFiles) {
    this.#files = files;
  }

  /** For a server, which is to be passed to `follow`. */
  get options(): TlsOptions {
    const asksForCertificate = this.#files.clientCa !== undefined;
    return {
      ...secureOptions(this.#files),
      requestCert: asksForCertificate,
      rejectUnauthorized: asksForCertificate,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      minVersion: "TLSv1.2",
    };
  }

  /** The server's later connections use the files that are there then. */
  follow<S extends Server & { setSecureContext(options: SecureContextOptions): void }>(server: S): S {
    this.#followers.push(server);
    // A handshake that fails ends its connection, and that is all there is to do.
    server.on("tlsClientError", (_: Error, socket: TLSSocket) => socket.destroy());
    return server;
  }

  /** @throws Error if they do not fit together; then nothing has changed */
  replace(files: TlsFiles): void {
    for (const server of this.#followers) server.setSecureContext(secureOptions(files));
    this.#files = files;
  }

  /** Does the handshake of an accepted connection, and passes it on when that is done. */
  accept(protocol: string, onSecure: (socket: TLSSocket) => void): (socket: Socket) => void {
    const server = this.follow(createServer({ ...this.options, ALPNProtocols: [protocol] }));
    server.on("secureConnection", (socket) => {
      socket.on("error", () => undefined);
      onSecure(socket);
    });
    return (socket) => void server.emit("connection", socket);
  }
}

function secureOptions({ cert, key, clientCa }: TlsFiles): SecureContextOptions {
  return { cert, key, ...(clientCa !== undefined && { ca: clientCa }) };
}
