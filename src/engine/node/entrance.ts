import type { Socket } from "node:net";
import type { Limit, ListenerSettings } from "../engine.js";
import type { Connection } from "./connection.js";
import type { ConnectionRegister } from "./connection-register.js";
import { Gate, type Leave } from "./gate.js";
import { peerAddress } from "./handle.js";
import { networksOf, readGreeting } from "./proxy-greeting.js";

export interface EntranceOptions {
  readonly register: ConnectionRegister;
  readonly begin: (connection: Connection) => void;
  readonly refuse: (connection: Connection, reason: "client-limit" | "proxy-header") => void;
}

/** Where clients come in, as far as the limits let them, and say whom they speak for. */
export class Entrance {
  readonly #options: EntranceOptions;
  readonly #gate = new Gate();
  #settings: ListenerSettings;
  #isProxy: (address: string) => boolean;

  constructor(settings: ListenerSettings, options: EntranceOptions) {
    this.#options = options;
    this.#settings = settings;
    this.#isProxy = networksOf(settings.acceptProxyFrom);
  }

  configure(settings: ListenerSettings): void {
    this.#settings = settings;
    this.#isProxy = networksOf(settings.acceptProxyFrom);
  }

  /** Whether another client may come in, whoever it is. */
  admit(): Leave | Limit {
    const { register } = this.#options;
    if (!register.take()) return "connection-limit";
    const admitted = this.#gate.enter(this.#settings, performance.now());
    if (typeof admitted === "string") register.giveBack();
    return admitted;
  }

  /** Finds out who the client is, as far as that matters, and begins. */
  greet(connection: Connection, socket: Socket): void {
    const { acceptProxyFrom, maxConnectionsPerClient } = this.#settings;
    if (acceptProxyFrom.length === 0 && maxConnectionsPerClient === 0) {
      this.#options.begin(connection);
      return;
    }
    const address = peerAddress(socket);
    if (!this.#isProxy(address)) {
      this.#letIn(connection, address);
      return;
    }
    readGreeting(socket).then(
      (route) => {
        connection.route = route;
        if (!connection.isEnded) this.#letIn(connection, route?.source.address ?? address);
      },
      () => {
        if (socket.readableEnded) connection.abort("left-early");
        else if (!connection.isEnded) this.#options.refuse(connection, "proxy-header");
      },
    );
  }

  /** Begins, if its limit lets this client in. */
  #letIn(connection: Connection, address: string): void {
    const { maxConnectionsPerClient } = this.#settings;
    if (maxConnectionsPerClient > 0) {
      const admitted = this.#gate.enterAs(address, maxConnectionsPerClient);
      if (typeof admitted === "string") {
        this.#options.refuse(connection, "client-limit");
        return;
      }
      connection.leaves.push(admitted);
    }
    this.#options.begin(connection);
  }
}
