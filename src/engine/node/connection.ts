import { connect, type Socket } from "node:net";
import { errnoOf, failureKind } from "../../errno.js";
import type { Target } from "../engine.js";
import type { LoopTurn } from "./loop-turn.js";
import { passOn } from "./relay.js";
import { resetLeg } from "./reset.js";
import { backendSocketOptions } from "./socket-options.js";
import type { TargetStats } from "./target-stats.js";
import { keepAlive, probe } from "./tending.js";

/** What a connection asks of its listener. */
export interface ConnectionHost {
  readonly connectTimeoutMs: number;
  readonly maxAttempts: number;
  readonly turn: LoopTurn;
  /** The next target for a new connection; undefined while there is none. */
  firstTarget(): Target | undefined;
  /** Another target after these failed; undefined if there is none. */
  nextTarget(tried: readonly string[]): Target | undefined;
  stats(id: string): TargetStats;
  connectFailed(stats: TargetStats, code: string): void;
  connected(stats: TargetStats): void;
  /** Nothing can be connected for this client. */
  unserved(connection: Connection, reason: "no-backend" | "descriptors"): void;
  /** The connection uses its target no more. */
  released(stats: TargetStats): void;
  ended(connection: Connection): void;
}

/**
 * One client and its backend:
 *
 *     waiting ──start──► dialling ──connect──► open ──both closed──► ended
 *        │                │    ▲ │                │
 *        └────abort───────┴────┼─┴──abort─────────┘ (both sides reset)
 *                              └ next endpoint or target after a failure
 *
 * The client is not read before the backend is connected, so a failed dial loses nothing. From then on `relay.ts`
 * passes data, FIN and RST on in both directions; the connection ends when both sockets are closed.
 */
export class Connection {
  readonly #host: ConnectionHost;
  readonly #client: Socket;
  #backend: Socket | undefined;
  #stats: TargetStats | undefined;
  #target: Target | undefined;
  /** Ids of the targets tried so far, the present one included. */
  readonly #tried: string[] = [];
  #endpointIndex = 0;
  #endpointsLeft = 0;
  #deadlineMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #tended = false;
  #state: "waiting" | "dialling" | "open" | "ended" = "waiting";

  constructor(host: ConnectionHost, client: Socket) {
    this.#host = host;
    this.#client = client;
    client.on("error", this.#onClientError);
    client.on("close", this.#onClosed);
  }

  /** Takes a target and dials it. False if there is none: the connection goes on waiting. */
  start(): boolean {
    const target = this.#host.firstTarget();
    if (!target) return false;
    this.#dialTarget(target);
    return true;
  }

  /** Resets both sides. */
  abort(): void {
    if (this.#state === "ended") return;
    const wasOpen = this.#state === "open";
    this.#end();
    resetLeg(this.#client);
    if (this.#backend === undefined) return;
    if (wasOpen) resetLeg(this.#backend);
    else this.#backend.destroy();
  }

  /** To be called every `TENDING_INTERVAL_MS`; see `tending.ts`. */
  tend(): void {
    if (this.#state !== "open" || !this.#backend) return;
    if (!this.#tended) for (const leg of [this.#client, this.#backend]) keepAlive(leg);
    this.#tended = true;
    probe(this.#client);
    probe(this.#backend);
  }

  #dialTarget(target: Target): void {
    this.#state = "dialling";
    this.#target = target;
    this.#tried.push(target.id);
    this.#stats = this.#host.stats(target.id);
    this.#stats.activeConnections += 1;
    this.#endpointIndex = this.#stats.preferredEndpoint % Math.max(target.endpoints.length, 1);
    this.#endpointsLeft = target.endpoints.length;
    this.#deadlineMs = performance.now() + this.#host.connectTimeoutMs;
    this.#dialEndpoint(target);
  }

  /** Each endpoint gets its share of the time that is left, as in Go's net.Dialer (dialSerial). */
  #dialEndpoint({ endpoints }: Target): void {
    const endpoint = endpoints[this.#endpointIndex];
    if (!endpoint) {
      this.#onDialFailed(undefined);
      return;
    }
    const leftMs = Math.max(this.#deadlineMs - performance.now(), 1);
    this.#timer = setTimeout(this.#onDialTimeout, leftMs / Math.max(this.#endpointsLeft, 1));
    this.#backend = connect(backendSocketOptions(endpoint));
    this.#backend.on("error", this.#onDialFailed);
    this.#backend.on("connect", this.#onConnect);
  }

  readonly #onDialTimeout = (): void => {
    this.#onDialFailed(Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" }));
  };

  readonly #onDialFailed = (error: unknown): void => {
    if (this.#state !== "dialling") return;
    clearTimeout(this.#timer);
    this.#discardBackend();
    const code = errnoOf(error) ?? "ENOENDPOINT";
    if (failureKind(code) === "exhausted") {
      this.#giveUp("descriptors");
      return;
    }
    this.#endpointsLeft -= 1;
    if (this.#target && this.#endpointsLeft > 0) {
      this.#endpointIndex = (this.#endpointIndex + 1) % this.#target.endpoints.length;
      this.#dialEndpoint(this.#target);
      return;
    }
    this.#onTargetFailed(code);
  };

  #onTargetFailed(code: string): void {
    if (this.#stats) this.#host.connectFailed(this.#stats, code);
    this.#release();
    const next = this.#tried.length < this.#host.maxAttempts ? this.#host.nextTarget(this.#tried) : undefined;
    if (next) this.#dialTarget(next);
    else this.#giveUp("no-backend");
  }

  #giveUp(reason: "no-backend" | "descriptors"): void {
    this.#host.unserved(this, reason);
    this.abort();
  }

  readonly #onConnect = (): void => {
    clearTimeout(this.#timer);
    const [backend, stats] = [this.#backend, this.#stats];
    if (this.#state !== "dialling" || !backend || !stats) return;
    this.#state = "open";
    stats.preferredEndpoint = this.#endpointIndex;
    this.#host.connected(stats);
    backend.off("error", this.#onDialFailed);
    backend.on("error", this.#onBackendError);
    backend.on("close", this.#onClosed);
    const { turn } = this.#host;
    passOn(this.#client, backend, { turn, count: (bytes) => (stats.bytesIn += bytes) });
    passOn(backend, this.#client, { turn, count: (bytes) => (stats.bytesOut += bytes) });
    this.#client.resume();
  };

  readonly #onClientError = (): void => this.abort();

  readonly #onBackendError = (): void => this.abort();

  /** A side that closes while the other is open was either ended in both directions, or aborted. */
  readonly #onClosed = (hadError: boolean): void => {
    if (this.#state === "ended") return;
    if (hadError || this.#state !== "open") this.abort();
    else if (this.#client.destroyed && this.#backend?.destroyed === true) this.#end();
  };

  #discardBackend(): void {
    const backend = this.#backend;
    if (!backend) return;
    backend.removeAllListeners();
    backend.on("error", ignore);
    backend.destroy();
    this.#backend = undefined;
  }

  #release(): void {
    const stats = this.#stats;
    if (!stats) return;
    this.#stats = undefined;
    stats.activeConnections -= 1;
    this.#host.released(stats);
  }

  #end(): void {
    this.#state = "ended";
    clearTimeout(this.#timer);
    this.#release();
    this.#host.ended(this);
  }
}

const ignore = (): void => undefined;
