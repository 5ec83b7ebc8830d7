import { Socket } from "node:net";
import { errnoOf, failureKind } from "../../errno.js";
import { proxyHeader, type Route } from "../../proxy-header.js";
import type { EndCause, Ending, ListenerSettings, Target } from "../engine.js";
import type { Cause } from "../unserved.js";
import type { Link } from "./chain.js";
import type { ConnectionHost } from "./connection-host.js";
import type { Dialling } from "./dial-deadlines.js";
import { clientHash } from "./client-hash.js";
import { peerAddress, peerOf, routeOf } from "./handle.js";
import { passOn } from "./relay.js";
import { resetLeg } from "./reset.js";
import { BACKEND_SOCKET_OPTIONS, connectOptions } from "./socket-options.js";
import type { TargetStats } from "./target-stats.js";
import { keepAlive, probe } from "./tending.js";

export interface ClientFacts {
  /** Of the connection. */
  readonly number: number;
  /** Who it is, if that is to be known even when it is gone. */
  readonly peer: Route["source"] | undefined;
  /** It came by a Unix socket, which knows no aborts. */
  readonly isLocal: boolean;
  /** To be called when the connection has ended. */
  readonly leave: () => void;
}

/**
 * One client and its backend:
 *
 *     waiting ──start──► dialling ──connect──► open ──both closed──► ended
 *      ▲  │               │ │  ▲ │                │
 *      │  └────abort──────┼─┴──┼─┴──abort─────────┘ (both sides reset)
 *      │                  │    └ next endpoint or target after a failure
 *      └── none is left ──┘
 *
 * The client is not read before the backend is connected, so a failed dial loses nothing. From then on `relay.ts`
 * passes data, FIN and RST on in both directions; the connection ends when both sockets are closed.
 */
export class Connection implements Dialling {
  readonly #host: ConnectionHost;
  readonly #client: Socket;
  readonly #isLocal: boolean;
  readonly number: number;
  readonly #peer: Route["source"] | undefined;
  /** Among the connections of its listener. */
  place: Link<Connection> | undefined;
  /** To be called when it has ended. */
  readonly leaves: (() => void)[];
  /** What a header has said of the client. */
  route: Route | undefined;
  #backend: Socket | undefined;
  #stats: TargetStats | undefined;
  #target: Target | undefined;
  /** Ids of the targets tried so far, the present one included. */
  #tried: string[] = [];
  /** Those of them that could not be connected; the others have lost their turn meanwhile. */
  #failures = 0;
  readonly acceptedUnixMs = Date.now();
  /** When it first had to wait; of the clock of performance.now(). */
  heldSinceMs: number | undefined;
  #endpointIndex = 0;
  #endpointsLeft = 0;
  #targetSinceMs = 0;
  #targetDeadlineMs = 0;
  #openSinceMs = 0;
  dialDeadlineMs = 0;
  dialPlace: Link<Dialling> | undefined;
  #tended = false;
  #bytesIn = 0;
  #bytesOut = 0;
  /** How many bytes had passed at the last look, and when the last one that found more was. */
  #bytesSeen = -1;
  #movedMs = 0;
  #firstToEnd: "client" | "backend" | undefined;
  #state: "waiting" | "dialling" | "open" | "ended" = "waiting";

  constructor(host: ConnectionHost, client: Socket, { number, peer, isLocal, leave }: ClientFacts) {
    this.#host = host;
    this.#client = client;
    this.number = number;
    this.#peer = peer;
    this.#isLocal = isLocal;
    this.leaves = [leave];
    client.on("error", this.#onClientError);
    client.on("close", this.#onClosed);
  }

  /** Takes a target and dials it. False if there is none: the connection goes on waiting. */
  start(): boolean {
    const target = this.#host.firstTarget(() =>
      clientHash(this.route?.source.address ?? peerAddress(this.#client)),
    );
    if (!target) return false;
    this.#dialTarget(target);
    return true;
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  get targetId(): string | undefined {
    return this.#stats?.id;
  }

  /** Who the client is, as far as it is known. */
  get source(): Route["source"] | undefined {
    return this.route?.source ?? this.#peer ?? peerOf(this.#client);
  }

  /** How it went, now that it has ended. */
  account(): Omit<Ending, "connection" | "cause"> {
    const wasOpen = this.#openSinceMs > 0;
    const openMs = wasOpen ? Math.round(performance.now() - this.#openSinceMs) : 0;
    return {
      target: wasOpen ? this.#target?.id : undefined,
      waitMs: Math.max(Date.now() - this.acceptedUnixMs - openMs, 0),
      openMs,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    };
  }

  /** Resets both sides. */
  abort(cause: Cause): void {
    if (this.#state === "ended") return;
    const wasOpen = this.#state === "open";
    this.#end(cause);
    if (this.#isLocal) this.#client.destroy();
    else resetLeg(this.#client);
    if (this.#backend === undefined) return;
    if (wasOpen) resetLeg(this.#backend);
    else this.#backend.destroy();
  }

  /** Cuts an open connection; one that is being connected goes to another target. */
  leaveTarget(): void {
    if (this.#state === "open") this.abort("drain");
    else if (this.#state === "dialling") this.#leaveDial();
  }

  /** If it is being connected to one of these, it goes to another target. */
  leaveTargetIfDialling(ids: ReadonlySet<string>): void {
    if (this.#state === "dialling" && ids.has(this.#stats?.id ?? "")) this.#leaveDial();
  }

  /** Closes both sides if no byte has passed for so long. */
  closeIfIdle(idleMs: number): boolean {
    if (this.#state !== "open" || this.#idleMs() < idleMs) return false;
    this.#end("idle");
    this.#client.destroy();
    this.#backend?.destroy();
    return true;
  }

  /** To be called every `TENDING_INTERVAL_MS`; see `tending.ts`. */
  tend(settings: ListenerSettings): void {
    if (this.#state === "waiting" || this.#state === "dialling") probe(this.#client);
    if (this.#state !== "open" || !this.#backend) return;
    if (this.#closeIfSilent(this.#backend, settings)) return;
    if (!this.#tended) for (const leg of [this.#client, this.#backend]) keepAlive(leg);
    this.#tended = true;
    probe(this.#client);
    probe(this.#backend);
  }

  #closeIfSilent(backend: Socket, { idleTimeoutMs, halfCloseTimeoutMs }: ListenerSettings): boolean {
    const isHalfClosed = this.#client.readableEnded !== backend.readableEnded;
    const limitMs = isHalfClosed && halfCloseTimeoutMs > 0 ? halfCloseTimeoutMs : idleTimeoutMs;
    return this.#idleMs() >= limitMs && limitMs > 0 && this.closeIfIdle(0);
  }

  #dialTarget(target: Target): void {
    this.#state = "dialling";
    this.#target = target;
    this.#tried.push(target.id);
    this.#stats = this.#host.stats(target.id);
    this.#stats.activeConnections += 1;
    this.#endpointIndex = this.#stats.preferredEndpoint % Math.max(target.endpoints.length, 1);
    this.#endpointsLeft = target.endpoints.length;
    const nowMs = performance.now();
    this.#targetSinceMs = nowMs;
    this.#targetDeadlineMs = nowMs + this.#host.connectTimeoutMs;
    this.#dialEndpoint(target, nowMs);
  }

  /** Each endpoint gets its share of the time that is left, as in Go's net.Dialer (dialSerial). */
  #dialEndpoint({ endpoints }: Target, nowMs: number): void {
    const endpoint = endpoints[this.#endpointIndex];
    if (!endpoint) {
      this.#onDialFailed(undefined);
      return;
    }
    const leftMs = Math.max(this.#targetDeadlineMs - nowMs, 1);
    this.dialDeadlineMs = nowMs + leftMs / Math.max(this.#endpointsLeft, 1);
    this.#host.deadlines.add(this);
    this.#backend = new Socket(BACKEND_SOCKET_OPTIONS);
    this.#backend.on("error", this.#onDialFailed);
    this.#backend.on("connect", this.#onConnect);
    this.#backend.connect(connectOptions(endpoint));
  }

  onDialTimeout(): void {
    this.#onDialFailed(Object.assign(new Error("connect timed out"), { code: "ETIMEDOUT" }));
  }

  readonly #onDialFailed = (error: unknown): void => {
    if (this.#state !== "dialling") return;
    this.#host.deadlines.delete(this);
    this.#discardBackend();
    const code = errnoOf(error) ?? "ENOENDPOINT";
    if (failureKind(code) === "exhausted") {
      this.#giveUp("descriptors");
      return;
    }
    this.#endpointsLeft -= 1;
    if (this.#target && this.#endpointsLeft > 0) {
      this.#endpointIndex = (this.#endpointIndex + 1) % this.#target.endpoints.length;
      this.#dialEndpoint(this.#target, performance.now());
      return;
    }
    this.#onTargetFailed(code);
  };

  #onTargetFailed(code: string): void {
    this.#failures += 1;
    const tried = this.#target?.endpoints[this.#endpointIndex];
    if (this.#stats) this.#host.connectFailed(this, this.#stats, { tried, code });
    this.#tryNextTarget();
  }

  /** The target has not failed, so that it is no attempt. */
  #leaveDial(): void {
    this.#host.deadlines.delete(this);
    this.#discardBackend();
    this.#tryNextTarget();
  }

  #tryNextTarget(): void {
    this.#release();
    const next = this.#failures < this.#host.maxAttempts ? this.#host.nextTarget(this.#tried) : undefined;
    if (next) this.#dialTarget(next);
    else this.#giveUp("no-backend");
  }

  #giveUp(reason: "no-backend" | "descriptors"): void {
    this.#release();
    this.#state = "waiting";
    this.#tried = [];
    this.#failures = 0;
    this.#host.unconnectable(this, reason);
  }

  #idleMs(): number {
    const nowMs = performance.now();
    const bytes = this.#bytesIn + this.#bytesOut;
    if (bytes !== this.#bytesSeen) this.#movedMs = nowMs;
    this.#bytesSeen = bytes;
    return nowMs - this.#movedMs;
  }

  readonly #onConnect = (): void => {
    this.#host.deadlines.delete(this);
    const [backend, stats] = [this.#backend, this.#stats];
    if (this.#state !== "dialling" || !backend || !stats) return;
    this.#state = "open";
    stats.preferredEndpoint = this.#endpointIndex;
    this.#openSinceMs = performance.now();
    stats.connectTimes.observe(this.#openSinceMs - this.#targetSinceMs);
    this.#host.connected(stats);
    backend.off("error", this.#onDialFailed);
    backend.on("error", this.#onBackendError);
    backend.on("close", this.#onClosed);
    const { sendProxy } = this.#host;
    if (sendProxy !== 0) backend.write(proxyHeader(sendProxy, this.route ?? routeOf(this.#client)));
    passOn(this.#client, backend, {
      count: (bytes) => {
        stats.bytesIn += bytes;
        this.#bytesIn += bytes;
      },
      ended: () => (this.#firstToEnd ??= "client"),
      turns: this.#host.turns,
      mayAbort: !this.#isLocal,
    });
    passOn(backend, this.#client, {
      count: (bytes) => {
        stats.bytesOut += bytes;
        this.#bytesOut += bytes;
      },
      ended: () => (this.#firstToEnd ??= "backend"),
      turns: this.#host.turns,
      mayAbort: true,
    });
    this.#client.resume();
  };

  readonly #onClientError = (): void => this.#fail("client");

  readonly #onBackendError = (): void => this.#fail("backend");

  /** A side has failed: of an open connection it is the one that ended it, unless the other had begun to. */
  #fail(side: "client" | "backend"): void {
    this.#firstToEnd ??= side;
    this.abort(this.#state === "open" ? this.#firstToEnd : "left-early");
  }

  /** A side that closes while the other is open was either ended in both directions, or aborted. */
  readonly #onClosed = (hadError: boolean): void => {
    if (this.#state === "ended") return;
    if (hadError || this.#state !== "open") this.#fail(this.#client.destroyed ? "client" : "backend");
    else if (this.#client.destroyed && this.#backend?.destroyed === true)
      this.#end(this.#firstToEnd ?? "client");
  };

  #discardBackend(): void {
    const backend = this.#backend;
    if (!backend) return;
    backend.removeAllListeners();
    backend.on("error", ignore);
    backend.destroy();
    this.#backend = undefined;
  }

  #release(cause?: EndCause): void {
    const stats = this.#stats;
    if (!stats) return;
    this.#stats = undefined;
    if (cause) {
      stats.ends[cause] += 1;
      stats.lifeTimes.observe(performance.now() - this.#openSinceMs);
    }
    stats.activeConnections -= 1;
    this.#host.released(stats);
  }

  #end(cause: Cause): void {
    const wasOpen = this.#state === "open";
    this.#state = "ended";
    this.#host.deadlines.delete(this);
    for (const leave of this.leaves) leave();
    this.#host.ended(this, cause);
    // After it: that a target is drained is told when the ends of all its connections have been.
    this.#release(wasOpen ? (cause as EndCause) : undefined);
  }
}

const ignore = (): void => undefined;
