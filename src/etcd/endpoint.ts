import { Client, connectivityState, Metadata, type ChannelCredentials } from "@grpc/grpc-js";
import { EtcdError } from "./etcd-error.js";
import type { EtcdEndpoint } from "./etcd-options.js";

/** A watch that catches up and a page of a big list may have many values in one message. */
const MAX_RECEIVE_BYTES = 64 * 1024 * 1024;

const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MAX_RECEIVE_BYTES,
  "grpc.max_send_message_length": -1,
  // What may have been carried out must not be sent again behind our back.
  "grpc.enable_retries": 0,
  "grpc.enable_channelz": 0,
  // Traffic to etcd must not travel through the proxy that http_proxy names.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  // Else a new channel would get the connection that the one before it had given up.
  "grpc.use_local_subchannel_pool": 1,
};

export interface EndpointOptions {
  readonly credentials: ChannelCredentials;
  readonly connectTimeoutMs: number;
}

/**
 * One member of the cluster. Each attempt to connect has a channel of its own, since a channel that has failed waits by
 * itself before it tries again, and we want to know at once, and say when.
 */
export class Endpoint {
  readonly name: string;
  readonly #options: EndpointOptions;
  #client: Client | undefined;
  #attempt: Promise<Client> | undefined;
  #closed = false;

  constructor({ host, port }: EtcdEndpoint, options: EndpointOptions) {
    this.name = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    this.#options = options;
  }

  /** @throws EtcdError "unreachable" */
  connect(): Promise<Client> {
    const client = this.#client;
    if (client && isReady(client)) return Promise.resolve(client);
    this.#attempt ??= this.#connectOnce().finally(() => (this.#attempt = undefined));
    return this.#attempt;
  }

  /** The next call gets a new connection; what is under way on this one goes on. */
  drop(client: Client): void {
    if (client !== this.#client) return;
    this.#client = undefined;
    client.close();
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = undefined;
  }

  async #connectOnce(): Promise<Client> {
    if (this.#closed) throw this.#unreachable("the client was closed");
    if (this.#client) this.drop(this.#client);
    const { credentials, connectTimeoutMs } = this.#options;
    const client = new Client(`dns:${this.name}`, credentials, CHANNEL_OPTIONS);
    this.#client = client;
    const deadline = new Date(Date.now() + connectTimeoutMs);
    const outcome = await settle(client, deadline);
    if (outcome === "connected") return client;
    const why = outcome === "failed" ? await lastError(client) : `no answer within ${connectTimeoutMs} ms`;
    this.drop(client);
    throw this.#unreachable(outcome === "closed" ? "the client was closed" : why);
  }

  #unreachable(why: string): EtcdError {
    return new EtcdError("unreachable", `etcd at ${this.name}: ${why}`);
  }
}

function isReady(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) === connectivityState.READY;
}

async function settle(client: Client, deadline: Date): Promise<"connected" | "failed" | "late" | "closed"> {
  const channel = client.getChannel();
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return "connected";
    if (state === connectivityState.TRANSIENT_FAILURE) return "failed";
    if (state === connectivityState.SHUTDOWN) return "closed";
    const changed = await new Promise<boolean>((resolve) => {
      channel.watchConnectivityState(state, deadline, (error) => resolve(error === undefined));
    });
    if (!changed) return "late";
  }
}

/** A channel tells why it has failed only to those who call on it; this method exists nowhere, so asking does no harm. */
async function lastError(client: Client): Promise<string> {
  const nothing = (): Buffer => Buffer.alloc(0);
  const deadline = Date.now() + 100;
  const error = await new Promise<unknown>((resolve) => {
    client.makeUnaryRequest(
      "/seamless.Probe/Why",
      nothing,
      nothing,
      {},
      new Metadata(),
      { deadline },
      resolve,
    );
  }).catch((error: unknown) => error);
  const message = error instanceof Error ? error.message : "the connection failed";
  return /Last error: (?:Error: )?(.*?)\.? *(?:Resolution note:.*)?$/s.exec(message)?.[1] ?? message;
}
