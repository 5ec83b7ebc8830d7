import type { Client, MethodDefinition } from "@grpc/grpc-js";
import type { Endpoint } from "./endpoint.js";
import { EtcdError } from "./etcd-error.js";
import type { EtcdLogin } from "./etcd-options.js";
import { CallError } from "./failure.js";
import { AuthService } from "./gen/etcd/etcdserverpb/rpc.js";
import { Tokens } from "./tokens.js";
import { unary } from "./unary.js";

/** A connection with the token to use on it. */
export interface Access {
  readonly client: Client;
  readonly token: string | undefined;
}

export interface CallerOptions {
  readonly login: EtcdLogin | undefined;
  readonly callTimeoutMs: number;
  readonly closing: AbortSignal;
}

/** Makes calls at an endpoint: connects, logs in, calls; logs in again if the token has become void. */
export class Caller {
  readonly #options: CallerOptions;
  readonly #tokens: Tokens<{ client: Client; at: string }>;

  constructor(options: CallerOptions) {
    this.#options = options;
    this.#tokens = new Tokens(options.login, async ({ client, at }, { user, password }) => {
      const { callTimeoutMs: timeoutMs, closing: signal } = this.#options;
      const request = { name: user, password };
      return (await unary(client, AuthService.authenticate, request, { timeoutMs, signal, at })).token;
    });
  }

  /** @throws EtcdError, never of kind "unknown" */
  async access(endpoint: Endpoint): Promise<Access> {
    const client = await endpoint.connect();
    return { client, token: await this.#tokens.current({ client, at: endpoint.name }) };
  }

  /** The token has been refused. Whether a call is worth another try with a new one. */
  refuse(token: string | undefined): Promise<boolean> {
    return this.#tokens.refuse(token);
  }

  /** One attempt, which takes `limitMs` at most. @throws EtcdError */
  async call<Q, A>(
    endpoint: Endpoint,
    method: MethodDefinition<Q, A>,
    request: Q,
    limitMs = Infinity,
  ): Promise<A> {
    const end = performance.now() + limitMs;
    const attempt = async ({ client, token }: Access): Promise<A> => {
      const timeoutMs = Math.min(this.#options.callTimeoutMs, end - performance.now());
      const options = { timeoutMs, token, signal: this.#options.closing, at: endpoint.name };
      return unary(client, method, request, options).catch((error: unknown) => {
        // The connection may lead nowhere, which TCP takes long to see.
        if (error instanceof CallError && error.reason === "timeout") endpoint.drop(client);
        throw error;
      });
    };
    const access = await this.#accessWithin(endpoint, limitMs);
    try {
      return await attempt(access);
    } catch (error) {
      if (!(error instanceof CallError) || error.reason !== "token") throw error;
      if (!(await this.#tokens.refuse(access.token))) throw error;
      return attempt(await this.#accessWithin(endpoint, end - performance.now()));
    }
  }

  #accessWithin(endpoint: Endpoint, limitMs: number): Promise<Access> {
    const access = this.access(endpoint);
    if (limitMs === Infinity) return access;
    return new Promise((resolve, reject) => {
      const late = (): void =>
        reject(
          new EtcdError(
            "unreachable",
            `etcd at ${endpoint.name}: no connection within ${Math.round(limitMs)} ms`,
          ),
        );
      const timer = setTimeout(late, limitMs);
      access.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }
}
