import type { Socket } from "node:net";

/** How often one connection may go over a limit of its own. */
const MOST_EXCESSES = 16;

/** The connections of the gRPC server, by what its calls know of them (`getPeer`). */
export class Peers {
  readonly #peers = new Map<string, { readonly socket: Socket; excesses: number }>();

  add(socket: Socket): void {
    const peer = nameOf(socket);
    this.#peers.set(peer, { socket, excesses: 0 });
    socket.on("close", () => this.#peers.delete(peer));
  }

  /** A limit was passed. To refuse costs us more than to be refused costs them, so that who goes on and on is cut. */
  exceeded(peer: string): void {
    const connection = this.#peers.get(peer);
    if (!connection) return;
    connection.excesses += 1;
    if (connection.excesses > MOST_EXCESSES) connection.socket.destroy();
  }
}

/** As grpc-js has it. */
function nameOf({ remoteAddress = "", remotePort }: Socket): string {
  return remotePort === undefined ? remoteAddress : `${remoteAddress}:${remotePort}`;
}
