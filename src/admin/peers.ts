import type { Socket } from "node:net";
import { MOST_CONNECTIONS } from "./management-socket.js";
import { Peer, type CutReason } from "./peer.js";

/** When all places are taken, no more of them are for connections that have made no call yet. */
const MOST_WITHOUT_CALL = 32;

/** The connections of the gRPC server, by what its calls know of them (`getPeer`). */
export class Peers {
  readonly #peers = new Map<string, Peer>();
  /** The oldest first. */
  readonly #withoutCall = new Set<Peer>();
  readonly #onCut: (from: string, reason: CutReason) => void;

  constructor(onCut: (from: string, reason: CutReason) => void) {
    this.#onCut = onCut;
  }

  add(socket: Socket): Peer {
    const from = nameOf(socket);
    const peer = new Peer(socket, (reason) => this.#onCut(from, reason));
    this.#peers.set(from, peer);
    this.#withoutCall.add(peer);
    socket.on("close", () => {
      peer.forget();
      this.#withoutCall.delete(peer);
      // Another may have come from the same port since.
      if (this.#peers.get(from) === peer) this.#peers.delete(from);
    });
    this.#makeRoom();
    return peer;
  }

  /** A call of that connection has begun. */
  called(name: string): Peer | undefined {
    const peer = this.#peers.get(name);
    if (!peer) return undefined;
    this.#withoutCall.delete(peer);
    peer.called();
    return peer;
  }

  of(name: string): Peer | undefined {
    return this.#peers.get(name);
  }

  /** Nor does Node 20 end a connection that has sent garbage, until it answers no ping: those would keep callers out. */
  #makeRoom(): void {
    const [oldest] = this.#withoutCall;
    if (!oldest || this.#withoutCall.size <= MOST_WITHOUT_CALL || this.#peers.size < MOST_CONNECTIONS) return;
    this.#withoutCall.delete(oldest);
    oldest.cut("no-call");
  }
}

/** As grpc-js has it. */
function nameOf({ remoteAddress = "", remotePort }: Socket): string {
  return remotePort === undefined ? remoteAddress : `${remoteAddress}:${remotePort}`;
}
