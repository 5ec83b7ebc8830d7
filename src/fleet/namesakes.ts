/**
 * The other proxies that are called like this one. Pure; the times are whoever calls it's. One that was killed, and that
 * this one has taken the place of, is there as long as its lease: only who stays longer is alive.
 */
export class Namesakes {
  readonly #lastsMs: number;
  /** By id: since when it is known. */
  readonly #since = new Map<string, number>();

  /** @param lastsMs longer than the lease of one that has ended */
  constructor(lastsMs: number) {
    this.#lastsMs = lastsMs;
  }

  seen(id: string, nowMs: number): void {
    if (!this.#since.has(id)) this.#since.set(id, nowMs);
  }

  gone(id: string): void {
    this.#since.delete(id);
  }

  /** The store has only these. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of [...this.#since.keys()]) if (!ids.has(id)) this.#since.delete(id);
  }

  /** The store was away, and gives all leases their full time anew. */
  countAnew(nowMs: number): void {
    for (const id of this.#since.keys()) this.#since.set(id, nowMs);
  }

  /** The ids of those that are alive. */
  alive(nowMs: number): readonly string[] {
    return [...this.#since].flatMap(([id, sinceMs]) => (nowMs - sinceMs >= this.#lastsMs ? id : []));
  }
}
