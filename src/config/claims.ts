import type { ListenAddress } from "../engine/engine.js";
import { overlaps } from "../listen-address.js";

/** Who is to listen where. Only one can have an address: the other could not start. */
export class Claims {
  readonly #claims: { readonly address: ListenAddress; readonly owner: string }[] = [];

  /** Answers who else has it, if anybody has. */
  add(address: ListenAddress, owner: string): string | undefined {
    const other = this.#claims.find((claim) => overlaps(claim.address, address))?.owner;
    this.#claims.push({ address, owner });
    return other;
  }
}
