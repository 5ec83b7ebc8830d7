import type { Caller } from "./caller.js";
import type { Endpoint } from "./endpoint.js";
import { CallError } from "./failure.js";
import {
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  LeaseService,
} from "./gen/etcd/etcdserverpb/rpc.js";
import { MessageStream } from "./message-stream.js";

/** Keeps leases alive over one connection. */
export class LeaseStream {
  readonly #stream: MessageStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>;
  readonly #limitMs: number;

  private constructor(stream: MessageStream<LeaseKeepAliveRequest, LeaseKeepAliveResponse>, limitMs: number) {
    this.#stream = stream;
    this.#limitMs = limitMs;
  }

  /** Runs `use` with a stream at this endpoint. */
  static async use<T>(
    { caller, endpoint, signal, limitMs }: LeaseStreamParts,
    use: (stream: LeaseStream) => Promise<T>,
  ): Promise<T> {
    const { client, token } = await caller.access(endpoint);
    const stream = new MessageStream(client, LeaseService.leaseKeepAlive, {
      token,
      signal,
      at: endpoint.name,
    });
    try {
      return await use(new LeaseStream(stream, limitMs));
    } catch (error) {
      if (error instanceof CallError && error.reason === "timeout") endpoint.drop(client);
      if (error instanceof CallError && error.reason === "token") await caller.refuse(token);
      throw error;
    } finally {
      stream.close();
    }
  }

  /** Gives the seconds that the lease now has; 0: there is no such lease. */
  async keepAlive(id: bigint): Promise<number> {
    this.#stream.send({ ID: id });
    const { TTL } = await this.#stream.receive(this.#limitMs);
    return Number(TTL);
  }
}

export interface LeaseStreamParts {
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly signal: AbortSignal;
  /** How long etcd may take to answer. */
  readonly limitMs: number;
}
