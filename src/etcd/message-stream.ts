import type { Client, ClientDuplexStream, MethodDefinition, ServiceError } from "@grpc/grpc-js";
import { CallError } from "./failure.js";
import { begun, callError, callMetadata } from "./unary.js";

export interface StreamOptions {
  readonly token: string | undefined;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** For error texts. */
  readonly at: string;
}

/** A stream in both directions whose messages are asked for one by one, so that what isn't wanted yet waits at etcd. */
export class MessageStream<Q, A> {
  readonly #call: ClientDuplexStream<Q, A>;
  readonly #messages: AsyncIterator<A>;
  readonly #options: StreamOptions;
  readonly #cancel = (): void => this.#call.cancel();

  constructor(client: Client, method: MethodDefinition<Q, A>, options: StreamOptions) {
    const { path, requestSerialize, responseDeserialize } = method;
    this.#options = options;
    this.#call = begun(options.at, () =>
      client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, callMetadata(options.token)),
    );
    // Also what fails while nobody waits for a message is found by the next `receive`.
    this.#call.on("error", () => undefined);
    this.#messages = this.#call[Symbol.asyncIterator]() as AsyncIterator<A>;
    options.signal.addEventListener("abort", this.#cancel);
    if (options.signal.aborted) this.#cancel();
  }

  send(message: Q): void {
    if (this.#call.writable) this.#call.write(message);
  }

  /**
   * The next message. Whenever `askAfterMs` pass without one, `ask` is called, which makes the other side say something;
   * after `limitMs` the stream is given up.
   * @throws CallError
   */
  async receive(limitMs: number, askAfterMs = limitMs, ask: () => void = () => undefined): Promise<A> {
    const silence = new AbortController();
    const asking = setInterval(ask, askAfterMs);
    const limit = setTimeout(() => {
      silence.abort();
      this.#cancel();
    }, limitMs);
    try {
      const message = await this.#messages.next();
      if (message.done !== true) return message.value;
      throw this.#failed("etcd has ended the stream");
    } catch (error) {
      if (silence.signal.aborted) throw this.#failed(`no word for ${limitMs} ms`, "timeout");
      throw error instanceof CallError ? error : callError(error as ServiceError, this.#options.at);
    } finally {
      clearInterval(asking);
      clearTimeout(limit);
    }
  }

  close(): void {
    this.#options.signal.removeEventListener("abort", this.#cancel);
    this.#cancel();
  }

  #failed(why: string, reason: "timeout" | "other" = "other"): CallError {
    return new CallError({ kind: "unknown", reason }, `etcd at ${this.#options.at}: ${why}`);
  }
}
