import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { formatAddress } from "../../address.js";
import { errnoOf } from "../../errno.js";
import { listenError } from "../../listen-error.js";
import type {
  CloseReport,
  Endpoint,
  ListenOptions,
  Listener,
  ListenerTotals,
  RoutingTable,
  Target,
  TargetCounters,
} from "../engine.js";
import { Connection, type ConnectionHost } from "./connection.js";
import { Cursor } from "./cursor.js";
import { HoldQueue } from "./hold-queue.js";
import { LoopTurn } from "./loop-turn.js";
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
  readonly turn = new LoopTurn();
  readonly #book = new StatsBook();
  readonly #held = new HoldQueue();
  readonly #connections = new Set<Connection>();
  readonly #totals = { acceptedConnections: 0, refusedConnections: 0, unservedConnections: 0 };
  #closing:
    { readonly promise: Promise<CloseReport>; readonly openAtStart: number; finish(): void } | undefined;
  #cut = 0;
  #bound: AddressInfo = { address: "", port: 0, family: "" };
  readonly #tending = setInterval(() => {
    for (const connection of this.#connections) connection.tend();
  }, TENDING_INTERVAL_MS).unref();

  private constructor(options: ListenOptions, budget: ConnectionBudget) {
    this.#options = options;
    this.#budget = budget;
    this.#server = createServer(CLIENT_SOCKET_OPTIONS);
    this.#server.on("connection", (socket) => this.#accept(socket));
  }

  static async open(options: ListenOptions, budget: ConnectionBudget): Promise<NodeListener> {
    const listener = new NodeListener(options, budget);
    await listener.#bind(options.endpoint);
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
    this.#cursor.swap(table);
    this.#book.follow(table);
    if (table.sequence.length > 0) for (const connection of this.#held.takeAll()) connection.start();
    return Promise.resolve();
  }

  counters(target: string): TargetCounters {
    return this.#book.read(target);
  }

  totals(): ListenerTotals {
    return { openConnections: this.#connections.size, ...this.#totals };
  }

  close(graceMs: number): Promise<CloseReport> {
    if (this.#closing) return this.#closing.promise;
    this.#server.close();
    for (const connection of this.#held.takeAll()) connection.abort();
    const openAtStart = this.#connections.size;
    const { promise, resolve } = withResolvers<CloseReport>();
    const timer = setTimeout(() => this.#cutAll(), graceMs);
    const finish = (): void => {
      clearTimeout(timer);
      clearInterval(this.#tending);
      resolve({ ended: openAtStart - this.#cut, cut: this.#cut });
    };
    this.#closing = { promise, openAtStart, finish };
    if (openAtStart === 0) finish();
    return promise;
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

  unserved(_: Connection, reason: "no-backend" | "descriptors"): void {
    if (reason === "descriptors") this.#totals.refusedConnections += 1;
    else this.#totals.unservedConnections += 1;
    this.#options.report({ type: "refused", reason });
  }

  released(stats: TargetStats): void {
    if (stats.routed || stats.activeConnections > 0) return;
    this.#book.forget(stats);
    this.#options.report({ type: "drained", target: stats.id });
  }

  ended(connection: Connection): void {
    this.#held.forget(connection);
    if (!this.#connections.delete(connection)) return;
    this.#budget.giveBack();
    if (this.#connections.size === 0) this.#closing?.finish();
  }

  #accept(socket: Socket): void {
    this.#totals.acceptedConnections += 1;
    if (!this.#budget.take()) {
      this.#totals.refusedConnections += 1;
      socket.on("error", () => undefined);
      socket.resetAndDestroy();
      this.#options.report({ type: "refused", reason: "connection-limit" });
      return;
    }
    const connection = new Connection(this, socket);
    this.#connections.add(connection);
    if (this.#closing) connection.abort();
    else if (!connection.start()) this.#hold(connection);
  }

  #hold(connection: Connection): void {
    const giveUp = (): void => {
      this.unserved(connection, "no-backend");
      connection.abort();
    };
    const { holdMs } = this.#cursor.table;
    if (holdMs > 0) this.#held.hold(connection, holdMs, giveUp);
    else giveUp();
  }

  #cutAll(): void {
    this.#cut += this.#connections.size;
    for (const connection of this.#connections) connection.abort();
  }

  async #bind(endpoint: Endpoint): Promise<void> {
    try {
      await this.#listen(endpoint.host === "" ? "::" : endpoint.host, endpoint.port);
    } catch (error) {
      const noIpv6 = endpoint.host === "" && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(errnoOf(error) ?? "");
      if (noIpv6) return this.#bind({ host: "0.0.0.0", port: endpoint.port });
      throw listenError(endpoint.host === "" ? `port ${endpoint.port}` : formatAddress(endpoint), error);
    }
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

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}
