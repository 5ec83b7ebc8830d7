import { ipBytes } from "../../address.js";
import type { Limit, ListenerSettings } from "../engine.js";

/** To be called once, when the connection has ended. */
export type Leave = () => void;

type Limits = Pick<ListenerSettings, "maxConnections" | "maxAcceptsPerSecond">;

/** The limits of one listener: who comes in and who does not. */
export class Gate {
  #open = 0;
  /** When the next client would be due if they came evenly; of the clock of performance.now(). */
  #dueMs = 0;
  readonly #clients = new Map<string, number>();
  readonly #leave = (): void => void (this.#open -= 1);

  enter({ maxConnections, maxAcceptsPerSecond }: Limits, nowMs: number): Leave | Limit {
    if (maxConnections > 0 && this.#open >= maxConnections) return "service-limit";
    if (maxAcceptsPerSecond > 0 && this.#isTooFast(maxAcceptsPerSecond, nowMs)) return "accept-rate";
    this.#open += 1;
    return this.#leave;
  }

  /** The same for the connections of one client. */
  enterAs(address: string, most: number): Leave | Limit {
    const client = clientOf(address);
    const known = this.#clients.get(client) ?? 0;
    if (known >= most) return "client-limit";
    this.#clients.set(client, known + 1);
    return () => this.#leaveAs(client);
  }

  #leaveAs(client: string): void {
    const left = (this.#clients.get(client) ?? 1) - 1;
    if (left === 0) this.#clients.delete(client);
    else this.#clients.set(client, left);
  }

  /** The generic cell rate algorithm (ITU-T I.371): up to a second's worth may come at once. */
  #isTooFast(perSecond: number, nowMs: number): boolean {
    const intervalMs = 1_000 / perSecond;
    if (this.#dueMs > nowMs + intervalMs * (perSecond - 1)) return true;
    this.#dueMs = Math.max(this.#dueMs, nowMs) + intervalMs;
    return false;
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 address, which is what one customer or host has (RFC 6177). */
function clientOf(address: string): string {
  return address === "" ? "" : ipBytes(address).toString("hex", 0, 8);
}
