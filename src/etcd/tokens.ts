import type { EtcdLogin } from "./etcd-options.js";
import { CallError } from "./failure.js";

/** Logs in at one connection and gives the token. @throws CallError */
export type Authenticate<C> = (connection: C, login: EtcdLogin) => Promise<string>;

/**
 * The token that calls send along. It is good at every member, but each forgets it some time after it has last seen it
 * (5 minutes by default), so it may be refused at any time.
 */
export class Tokens<C> {
  readonly #login: EtcdLogin | undefined;
  readonly #authenticate: Authenticate<C>;
  #current: Promise<string | undefined> | undefined;

  constructor(login: EtcdLogin | undefined, authenticate: Authenticate<C>) {
    this.#login = login;
    this.#authenticate = authenticate;
  }

  /** Undefined: none is needed, as there is no login or etcd's authentication is off. */
  async current(connection: C): Promise<string | undefined> {
    if (!this.#login) return undefined;
    const pending = (this.#current ??= this.#logIn(connection, this.#login));
    try {
      return await pending;
    } catch (error) {
      if (this.#current === pending) this.#current = undefined;
      throw error;
    }
  }

  /** It was refused. Whether a call is worth another try with a new one. */
  async refuse(token: string | undefined): Promise<boolean> {
    if (!this.#login) return false;
    const pending = this.#current;
    // Another call may have logged in again already.
    const now = await pending?.catch(() => undefined);
    if (now === token && this.#current === pending) this.#current = undefined;
    return true;
  }

  async #logIn(connection: C, login: EtcdLogin): Promise<string | undefined> {
    try {
      return await this.#authenticate(connection, login);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.reason === "no-auth") return undefined;
      // What the login was for has not been sent.
      if (error.kind === "unknown")
        throw new CallError({ kind: "unreachable", reason: error.reason }, error.message);
      throw error;
    }
  }
}
