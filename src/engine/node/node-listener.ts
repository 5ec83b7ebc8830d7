import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type {
  CloseReport,
  EndCause,
  Endpoint,
  HoldLimits,
  ListenOptions,
  Listener,
  ListenerTotals,
  RefusalReason,
  RoutingTable,
  Target,
  TargetCounters,
} from "../engine.js";
import { Closing } from "../closing.js";
import { noEnds } from "../ends.js";
import { Holding } from "../holding.js";
import { listenOn } from "../listen-on.js";
import { idsOutOfTurn } from "../turns.js";
import { type Cause, REFUSALS, UNSERVED, type Unserved } from "../unserved.js";
import { Connection, type ConnectionHost } from "./connection.js";
import { Cursor } from "./cursor.js";
import { DialDeadlines } from "./dial-deadlines.js";
import { LoopTurns } from "./loop-turns.js";
import { TENDING_INTERVAL_MS } from "./tending.js";
import { BACKLOG, CLIENT_SOCKET_OPTIONS } from "./socket-options.js";
import { StatsBook, type TargetStats } from "./target-stats.js";

/** Counts the connections of all listeners against the engine's limit. */
export interface ConnectionBudget {
  take(): boolean;
  giveBack(): void;
}

/** One server socket with its table and connections. */
export class NodeListener implements Listener, ConnectionHost {
  readonly #options: ListenOptions;
  readonly #budget: ConnectionBudget;
  readonly #server: Server;
  readonly #cursor = new Cursor();
  readonly #book = new StatsBook();
  readonly #holding: Holding<Connection>;
  readonly deadlines = new DialDeadlines();
  readonly turns = new LoopTurns();
  readonly #connections = new Set<Connection>();
  #accepted = 0;
  readonly #ends = noEnds();
  readonly #unserved: Record<Unserved, number> = {
    "left-early": 0,
    "connect-failed": 0,
    "hold-expired": 0,
    limit: 0,
  };
  #closing: Closing | undefined;
  #bound: AddressInfo = { address: "", port: 0, family: "" };
  readonly #tending = setInterval(() => {
    for (const connection of this.#connections) connection.tend();
  }, TENDING_INTERVAL_MS).unref();

  private constructor(options: ListenOptions, budget: ConnectionBudget) {
    this.#options = options;
    this.#budget = budget;
    this.#server = createServer(CLIENT_SOCKET_OPTIONS);
    this.#holding = new Holding({
      maxHeld: options.maxHeld,
      letGo: (connection) => this.#begin(connection),
      expired: (connection) => this.#refuse(connection, "hold-expired"),
    });
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  static async open(options: ListenOptions, budget: ConnectionBudget): Promise<NodeListener> {
    const listener = new NodeListener(options, budget);
    await listenOn(options.endpoint, ({ host, port }) => listener.#listen(host, port));
    // An accept that fails is the kernel's to retry; there is nobody to tell.
    listener.#server.on("error", () => undefined);
    return listener;
  }

  /** Where it listens, or did until it was closed. */
  get endpoint(): Endpoint {
    const { address, port } = this.#bound;
    return { host: address, port };
  }

  get connectTimeoutMs(): number {
    return this.#options.connectTimeoutMs;
  }

  get maxAttempts(): number {
    return this.#options.maxAttempts;
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
    return {
      openConnections: this.#connections.size,
      heldConnections: this.#holding.size,
      acceptedConnections: this.#accepted,
      ends: { ...this.#ends },
      leftEarly: this.#unserved["left-early"],
      connectFailed: this.#unserved["connect-failed"],
      holdExpired: this.#unserved["hold-expired"],
      refusedByLimit: this.#unserved.limit,
    };
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
    // A set keeps the order in which its members came.
    for (const { targetId, acceptedUnixMs } of this.#connections)
      if (targetId === target) return acceptedUnixMs;
    return undefined;
  }

  close(graceMs: number): Promise<CloseReport> {
    if (this.#closing) return this.#closing.promise;
    this.#server.close();
    for (const connection of this.#holding.takeAll()) connection.abort("shutdown");
    this.#closing = new Closing(this.#connections.size, graceMs, () => this.#cutAll());
    if (this.#connections.size === 0) this.#finish();
    return this.#closing.promise;
  }

  destroy(): void {
    void this.close(0);
    this.#cutAll();
  }

  firstTarget(): Target | undefined {
    return this.#cursor.advance();
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

  connectFailed(stats: TargetStats, code: string): void {
    stats.failedConnects += 1;
    stats.consecutiveFailures += 1;
    const { id: target, consecutiveFailures: consecutive } = stats;
    this.#options.report({ type: "connect-failed", target, code, consecutive });
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
    if (!this.#connections.delete(connection)) return;
    this.#count(cause);
    this.#budget.giveBack();
    if (this.#connections.size === 0) this.#finish();
  }

  #finish(): void {
    if (!this.#closing) return;
    clearInterval(this.#tending);
    this.#closing.finish();
  }

  #count(cause: Cause): void {
    if (cause in this.#unserved) this.#unserved[cause as Unserved] += 1;
    else this.#ends[cause as EndCause] += 1;
  }

  #accept(socket: Socket): void {
    this.#accepted += 1;
    if (!this.#budget.take()) {
      this.#unserved.limit += 1;
      socket.on("error", () => undefined);
      socket.resetAndDestroy();
      this.#options.report({ type: "refused", reason: "connection-limit" });
      return;
    }
    const connection = new Connection(this, socket);
    this.#connections.add(connection);
    if (this.#closing) connection.abort("shutdown");
    else this.#begin(connection);
  }

  #begin(connection: Connection): void {
    if (this.#holding.paused || !connection.start()) this.#hold(connection);
  }

  #hold(connection: Connection): void {
    const outcome = this.#closing ? "never" : this.#holding.hold(connection);
    if (outcome !== "held") this.#refuse(connection, REFUSALS[outcome]);
  }

  #refuse(connection: Connection, reason: Exclude<RefusalReason, "connection-limit">): void {
    connection.abort(UNSERVED[reason]);
    this.#options.report({ type: "refused", reason });
  }

  #of(target: string): readonly Connection[] {
    return [...this.#connections].filter(({ targetId }) => targetId === target);
  }

  #cutAll(): void {
    this.#closing?.countCut(this.#connections.size);
    for (const connection of this.#connections) connection.abort("shutdown");
  }

  #listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port, backlog: BACKLOG }, () => {
        this.#server.off("error", reject);
        this.#bound = this.#server.address() as AddressInfo;
        resolve();
      });
    });
  }
}
