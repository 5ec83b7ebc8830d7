import type { Join } from "../control/control-plane.js";
import type { PredecessorInfo } from "../control/management.js";
import type { ServiceRecord } from "../control/service-record.js";
import type { Engine, InheritedSocket } from "../engine/engine.js";
import { MANAGEMENT_OWNERS, type GivenSockets, type LeftSocket } from "../supervisor/activation.js";
import { ProxyError } from "../errors.js";
import { formatListenAddress, parseListenAddress } from "../listen-address.js";
import { decodeState } from "../store/state-file.js";
import { adoptPath, type PathClaim } from "../unix-path.js";
import { Channel, type Peer } from "./channel.js";
import { joinEngine } from "./joint-listener.js";
import { PROTOCOL, type FromNew, type FromOld, type HandedSocket, type HandOver } from "./messages.js";
import { RemoteListener } from "./remote-listener.js";

/** The process whose place this one takes. */
export class Predecessor {
  readonly #channel: Channel<FromNew, FromOld>;
  readonly #handed: HandOver;
  readonly #listeners = new Map<string, RemoteListener>();
  #sockets: readonly (HandedSocket & LeftSocket)[];
  #openConnections = 0;
  readonly records: readonly ServiceRecord[];

  private constructor(channel: Channel<FromNew, FromOld>, handed: HandOver) {
    this.#channel = channel;
    this.#handed = handed;
    this.#sockets = handed.sockets.map((socket) => ({ ...socket, claim: claimOf(socket) }));
    this.records = decodeState(handed.state).services;
  }

  /** Says that this process has loaded, and waits for what it is to go on with. @throws ProxyError UPGRADE_FAILED */
  static async meet(peer: Peer, version: string): Promise<Predecessor> {
    const channel = new Channel<FromNew, FromOld>(peer);
    channel.send({ type: "loaded", protocol: PROTOCOL, version });
    const handed = await hear(channel, "state");
    if (handed.protocol === PROTOCOL) return new Predecessor(channel, handed);
    throw new ProxyError(
      "UPGRADE_FAILED",
      `version ${handed.version} hands over in another way than ${version}: restart instead`,
    );
  }

  /** Undefined: nothing is open there any more. */
  get info(): PredecessorInfo | undefined {
    if (this.#openConnections === 0) return undefined;
    const { pid, version } = this.#handed;
    return { pid, version, openConnections: this.#openConnections };
  }

  get fleetId(): string | undefined {
    return this.#handed.fleetId;
  }

  /** What a service goes on with; once. */
  join(name: string, engine: Engine): Join | undefined {
    const handed = this.#handed.services[name];
    if (!handed || this.#listeners.has(name)) return undefined;
    const remote = new RemoteListener(handed, (order) =>
      this.#channel.send({ type: "command", service: name, ...order }),
    );
    this.#listeners.set(name, remote);
    return { engine: joinEngine(engine, remote), handed };
  }

  get sockets(): GivenSockets {
    const left = (): GivenSockets["left"] => this.#sockets;
    return {
      of: (owner) => ({
        has: (address) => this.#find(owner, formatListenAddress(address)) !== undefined,
        take: (address) => this.#take(owner, formatListenAddress(address)),
      }),
      get left() {
        return left();
      },
    };
  }

  /** Says that this process serves, and waits until it is the only one. @throws ProxyError UPGRADE_FAILED */
  async relieve(): Promise<void> {
    this.#channel.send({ type: "serving" });
    await hear(this.#channel, "yours");
    for (const listener of this.#listeners.values()) listener.takeCharge();
    this.#channel.follow((message) => this.#read(message));
    void this.#channel.closed.then(() => this.#lost());
  }

  #read(message: FromOld): void {
    if (message.type === "applied") this.#listeners.get(message.service)?.applied(message.id);
    if (message.type !== "remains") return;
    this.#openConnections = message.openConnections;
    for (const [name, report] of Object.entries(message.services)) this.#listeners.get(name)?.update(report);
  }

  #lost(): void {
    this.#openConnections = 0;
    for (const listener of this.#listeners.values()) listener.lose();
  }

  /** A service's own, or one of another service that is to be this one's now. */
  #find(owner: string, address: string): HandedSocket | undefined {
    const there = this.#sockets.filter((socket) => socket.address === address);
    const own = there.find((socket) => socket.owner === owner);
    if (own || isManagement(owner) || isAnyPort(address)) return own;
    return there.find((socket) => !isManagement(socket.owner));
  }

  #take(owner: string, address: string): InheritedSocket | undefined {
    const socket = this.#find(owner, address);
    this.#sockets = this.#sockets.filter((left) => left !== socket);
    return socket;
  }
}

const isManagement = (owner: string): boolean => Object.values<string>(MANAGEMENT_OWNERS).includes(owner);

/** Several may be at port 0 each. */
const isAnyPort = (address: string): boolean => address.endsWith(":0");

/** As soon as it is handed over: later the file might be that of somebody else. */
function claimOf({ address, ownsPath }: HandedSocket): PathClaim | undefined {
  if (!ownsPath) return undefined;
  const parsed = parseListenAddress(address);
  return "path" in parsed ? adoptPath(parsed.path) : undefined;
}

async function hear<Type extends FromOld["type"]>(
  channel: Channel<FromNew, FromOld>,
  type: Type,
): Promise<Extract<FromOld, { readonly type: Type }>> {
  const gone = channel.closed.then(() => {
    throw new ProxyError("UPGRADE_FAILED", "the process whose place this one was to take is gone");
  });
  const message = await Promise.race([channel.next(), gone]);
  if (message.type === type) return message as Extract<FromOld, { readonly type: Type }>;
  throw new ProxyError("UPGRADE_FAILED", `'${message.type}' was said instead of '${type}'`);
}
