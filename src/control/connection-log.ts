import { formatAddress } from "../address.js";
import type { ClientConnection, EngineEvent } from "../engine/engine.js";
import type { SampledLog } from "../log-sampler.js";

type Event<Type extends EngineEvent["type"]> = Extract<EngineEvent, { readonly type: Type }>;

/** The lines about single connections of clients; each names the connection. docs/logs.md describes them. */
export class ConnectionLog {
  readonly #log: SampledLog;

  constructor(log: SampledLog) {
    this.#log = log;
  }

  connectFailed({ connection, target, tried, code, consecutive }: Event<"connect-failed">): void {
    const address = tried && formatAddress(tried);
    const facts = { ...factsOf(connection), backend: target, address, code, consecutive };
    this.#log("warn", "connect-failed", facts, "connecting to a backend failed");
  }

  refused({ connection, reason }: Event<"refused">): void {
    this.#log("warn", "refused", { ...factsOf(connection), reason }, "a client was reset");
  }

  ended({ connection, target, cause, waitMs, openMs, bytesIn, bytesOut }: Event<"ended">): void {
    const facts = { ...factsOf(connection), backend: target, cause, waitMs, openMs, bytesIn, bytesOut };
    this.#log("debug", "ended", facts, "a connection ended");
  }
}

function factsOf({ id, client }: ClientConnection): object {
  return { connection: id, client: client && formatAddress(client) };
}
