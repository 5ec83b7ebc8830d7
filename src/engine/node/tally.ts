import { noEnds } from "../ends.js";
import type { EndCause, Limit, ListenerTotals } from "../engine.js";
import { noRefusals } from "../refusals.js";
import type { Cause, Unserved } from "../unserved.js";

/** What became of all connections of a listener. */
export class Tally {
  #accepted = 0;
  readonly #ends = noEnds();
  readonly #unserved: Record<Unserved, number> = {
    "left-early": 0,
    "connect-failed": 0,
    "hold-expired": 0,
    limit: 0,
  };
  readonly #refusals = noRefusals();

  accepted(): void {
    this.#accepted += 1;
  }

  ended(cause: Cause): void {
    if (cause in this.#unserved) this.#unserved[cause as Unserved] += 1;
    else this.#ends[cause as EndCause] += 1;
  }

  /** By which limit a connection was refused that has ended by one. */
  refused(limit: Limit): void {
    this.#refusals[limit] += 1;
  }

  totals(now: Pick<ListenerTotals, "openConnections" | "heldConnections">): ListenerTotals {
    return {
      ...now,
      acceptedConnections: this.#accepted,
      ends: { ...this.#ends },
      leftEarly: this.#unserved["left-early"],
      connectFailed: this.#unserved["connect-failed"],
      holdExpired: this.#unserved["hold-expired"],
      refusedByLimit: this.#unserved.limit,
      refusals: { ...this.#refusals },
    };
  }
}
