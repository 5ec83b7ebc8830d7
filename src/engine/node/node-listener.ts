import { createServer, type Socket } from "node:net";
import type {
  ClientConnection,
  CloseReport,
  HoldLimits,
  Limit,
  ListenAddress,
  ListenOptions,
  Listener,
  ListenerSettings,
  ListenerTotals,
  RoutingTable,
  Target,
  TargetCounters,
  Telling,
} from "../engine.js";
import { Closing } from "../closing.js";
import { clientConnection } from "../client-connection.js";
import { Doors, type Binding, type Door } from "../doors.js";
import { Holding } from "../holding.js";
import type { ProxyProtocol } from "../../proxy-header.js";
import { descriptorOf } from "../../listening-descriptor.js";
import { idsOutOfTurn } from "../turns.js";
import { type Cause, REFUSALS, UNSERVED } from "../unserved.js";
import { Chain } from "./chain.js";
import type { ConnectionHost, DialFailure } from "./connection-host.js";
import { Connection } from "./connection.js";
import type { ConnectionRegister } from "./connection-register.js";
import { Cursor } from "./cursor.js";
import { DialDeadlines } from "./dial-deadlines.js";
import { Entrance } from "./entrance.js";
import { peerOf } from "./handle.js";
import { LoopTurns } from "./loop-turns.js";
import { TENDING_INTERVAL_MS } from "./tending.js";
import { BACKLOG, CLIENT_SOCKET_OPTIONS } from "./socket-options.js";
import { Tally } from "./tally.js";
import { StatsBook, type TargetStats } from "./target-stats.js";

export interface NodeListenerOptions extends ListenOptions, Telling {
  readonly register: ConnectionRegister;
}

/** A client that is not let in. */
interface TurnedAway {
  readonly number: number;
  readonly limit: Limit;
  readonly isLocal: boolean;
}

/** One server socket with its table and connections. */
export class NodeListener implements Listener, ConnectionHost {
  readonly #options: NodeListenerOptions;
  readonly #doors: Doors;
  readonly #entrance: Entrance;
  readonly #cursor = new Cursor();
  readonly #book = new StatsBook();
  readonly #holding: Holding<Connection>;
  readonly deadlines = new DialDeadlines();
  readonly turns = new LoopTurns();
  readonly #connections = new Chain<Connection>();
  readonly #tally = new Tally();
  #settings: ListenerSettings;
  #closing: Closing | undefined;
  readonly #tending = setInterval(() => {
    for (const connection of [...this.#connections]) connection.tend(this.#settings);
  }, TENDING_INTERVAL_MS).unref();

  private constructor(options: NodeListenerOptions) {
    this.#options = options;
    this.#settings = options;
    this.#entrance = new Entrance(options, {
      register: options.register,
      begin: (connection) => this.#begin(connection),
      refuse: (connection, reason) => this.#refuse(connection, reason),
    });
    this.#doors = new Doors({ inherited: options.inherited, open: (binding) => this.#open(binding) });
    this.#holding = new Holding({
      maxHeld: options.maxHeld,
      letGo: (connection) => this.#begin(connection),
      expired: (connection) => this.#refuse(connection, "hold-expired"),
    });
  }

  static async open(options: NodeListenerOptions): Promise<NodeListener> {
    const listener = new NodeListener(options);
    try {
      await listener.listenAt(options.addresses);
    } catch (error) {
      listener.destroy();
      throw error;
    }
    return listener;
  }

  get addresses(): readonly ListenAddress[] {
    return this.#doors.addresses;
  }

  sockets(): ReturnType<Listener["sockets"]> {
    return this.#doors.sockets();
  }

  listenAt(addresses: readonly ListenAddress[]): Promise<void> {
    return this.#doors.listenAt(addresses);
  }

  configure(settings: ListenerSettings): void {
    this.#settings = settings;
    this.#entrance.configure(settings);
  }

  get connectTimeoutMs(): number {
    return this.#settings.connectTimeoutMs;
  }

  get maxAttempts(): number {
    return this.#settings.maxAttempts;
  }

  get sendProxy(): ProxyProtocol {
    return this.#settings.sendProxy;
  }

  apply(table: RoutingTable): Promise<void> {
    const left = idsOutOfTurn(this.#cursor.table, table);
    this.#cursor.swap(table);
    this.#book.follow(table);
    if (left.size > 0)
      for (const connection of [...this.#connections]) connection.leaveTargetIfDialling(left);
    this.#holding.follow(table);
    return Promise.resolve();
  }

  counters(target: string): TargetCounters {
    return this.#book.read(target);
  }

  totals(): ListenerTotals {
    return this.#tally.totals({
      openConnections: this.#connections.size,
      heldConnections: this.#holding.size,
    });
  }

  pause(limits: HoldLimits): void {
    this.#holding.pause(limits);
  }

  resume(pacePerSecond: number): void {
    this.#holding.resume(pacePerSecond);
  }

  cut(target: string, atMost = Infinity): number {
    const doomed = this.#of(target).slice(0, atMost);
    for (const connection of doomed) connection.leaveTarget();
    return doomed.length;
  }

  closeIdle(target: string, idleMs: number): number {
    return this.#of(target).filter((connection) => connection.closeIfIdle(idleMs)).length;
  }

  oldestConnection(target: string): number | undefined {
    for (const { targetId, acceptedUnixMs } of this.#connections)
      if (targetId === target) return acceptedUnixMs;
    return undefined;
  }

  close(graceMs: number): Promise<CloseReport> {
    if (this.#closing) return this.#closing.promise;
    this.#doors.shutAll();
    for (const connection of this.#holding.takeAll()) connection.abort("shutdown");
    this.#closing = new Closing(this.#connections.size, graceMs, () => this.#cutAll());
    if (this.#connections.size === 0) this.#finish();
    return this.#closing.promise;
  }

  handOver(): void {
    this.#doors.handOver();
  }

  destroy(): void {
    void this.close(0);
    this.#cutAll();
  }

  firstTarget(hash: () => number): Target | undefined {
    return this.#cursor.advance({ hash, load: (id) => this.#book.of(id).activeConnections });
  }

  nextTarget(tried: readonly string[]): Target | undefined {
    return this.#cursor.alternative(tried);
  }

  stats(id: string): TargetStats {
    return this.#book.of(id);
  }

  connected(stats: TargetStats): void {
    stats.totalConnections += 1;
    this.#holding.targetFound();
    if (stats.consecutiveFailures === 0) return;
    stats.consecutiveFailures = 0;
    this.#options.report({ type: "connect-recovered", target: stats.id });
  }

  connectFailed(failed: Connection, stats: TargetStats, failure: DialFailure): void {
    stats.failedConnects += 1;
    stats.consecutiveFailures += 1;
    const { id: target, consecutiveFailures: consecutive } = stats;
    const connection = this.#describe(failed);
    this.#options.report({ type: "connect-failed", connection, target, ...failure, consecutive });
  }

  unconnectable(connection: Connection, reason: "no-backend" | "descriptors"): void {
    if (reason === "descriptors") this.#refuse(connection, reason);
    else this.#hold(connection);
  }

  released(stats: TargetStats): void {
    if (stats.routed || stats.activeConnections > 0) return;
    const counters = this.#book.read(stats.id);
    this.#book.forget(stats);
    this.#options.report({ type: "drained", target: stats.id, counters });
  }

  ended(connection: Connection, cause: Cause): void {
    this.#holding.forget(connection);
    if (connection.place) this.#connections.remove(connection.place);
    this.#tally.ended(cause);
    this.#tellEnd(connection, cause);
    this.#options.register.giveBack();
    if (this.#connections.size === 0) this.#finish();
  }

  #finish(): void {
    if (!this.#closing) return;
    clearInterval(this.#tending);
    this.#closing.finish();
  }

  #tellEnd(connection: Connection, cause: Cause): void {
    if (!this.#options.tellEnds) return;
    // These were refused, and that is told.
    if (cause === "connect-failed" || cause === "hold-expired" || cause === "limit") return;
    const described = this.#describe(connection);
    this.#options.report({ type: "ended", connection: described, cause, ...connection.account() });
  }

  #describe({ number, source }: Pick<Connection, "number" | "source">): ClientConnection {
    return clientConnection(this.#options.idPrefix, number, source);
  }

  #accept(socket: Socket, isLocal: boolean): void {
    this.#tally.accepted();
    const number = this.#options.register.number();
    const admitted = this.#entrance.admit();
    if (typeof admitted === "string") {
      this.#turnAway(socket, { number, limit: admitted, isLocal });
      return;
    }
    const peer = this.#options.tellEnds ? peerOf(socket) : undefined;
    const connection = new Connection(this, socket, { number, peer, isLocal, leave: admitted });
    connection.place = this.#connections.add(connection);
    if (this.#closing) connection.abort("shutdown");
    else this.#entrance.greet(connection, socket);
  }

  #turnAway(socket: Socket, { number, limit, isLocal }: TurnedAway): void {
    const connection = this.#describe({ number, source: peerOf(socket) });
    this.#tally.ended("limit");
    this.#tally.refused(limit);
    socket.on("error", () => undefined);
    if (isLocal) socket.destroy();
    else socket.resetAndDestroy();
    this.#options.report({ type: "refused", connection, reason: limit });
  }

  #begin(connection: Connection): void {
    if (this.#holding.paused || !connection.start()) this.#hold(connection);
  }

  #hold(connection: Connection): void {
    const outcome = this.#closing ? "never" : this.#holding.hold(connection);
    if (outcome !== "held") this.#refuse(connection, REFUSALS[outcome]);
  }

  #refuse(connection: Connection, reason: keyof typeof UNSERVED): void {
    if (UNSERVED[reason] === "limit") this.#tally.refused(reason as Limit);
    const described = this.#describe(connection);
    connection.abort(UNSERVED[reason]);
    this.#options.report({ type: "refused", connection: described, reason });
  }

  #of(target: string): readonly Connection[] {
    return [...this.#connections].filter(({ targetId }) => targetId === target);
  }

  #cutAll(): void {
    this.#closing?.countCut(this.#connections.size);
    for (const connection of [...this.#connections]) connection.abort("shutdown");
  }

  #open(binding: Binding): Promise<Door> {
    const server = createServer(CLIENT_SOCKET_OPTIONS);
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      const where = "descriptor" in binding ? { fd: binding.descriptor } : binding;
      server.listen({ ...where, backlog: BACKLOG }, () => {
        server.off("error", reject);
        // An accept that fails is the kernel's to retry; there is nobody to tell.
        server.on("error", () => undefined);
        const at = server.address();
        const isLocal = at === null || typeof at === "string";
        server.on("connection", (socket) => this.#accept(socket, isLocal));
        const door = { descriptor: descriptorOf(server), shut: () => void server.close() };
        resolve(isLocal ? door : { ...door, bound: { host: at.address, port: at.port } });
      });
    });
  }
}
