/** What is to be written under a lease. Pure: remembers what is wanted and what of it etcd doesn't have yet. */
export class LeasedKeys {
  /** Undefined: the key is to be deleted. */
  readonly #wanted = new Map<string, string | undefined>();
  readonly #unwritten = new Set<string>();

  put(key: string, value: string): void {
    this.#wanted.set(key, value);
    this.#unwritten.add(key);
  }

  delete(key: string): void {
    this.#wanted.set(key, undefined);
    this.#unwritten.add(key);
  }

  /** A new lease has nothing. */
  writeAllAgain(): void {
    for (const key of this.#wanted.keys()) this.#unwritten.add(key);
  }

  get complete(): boolean {
    return this.#unwritten.size === 0;
  }

  /** What isn't written yet, in the order in which it was asked for. */
  unwritten(): { readonly key: string; readonly value: string | undefined }[] {
    return [...this.#unwritten].map((key) => ({ key, value: this.#wanted.get(key) }));
  }

  /** etcd has it now. Asked for otherwise meanwhile, it is still unwritten. */
  written(key: string, value: string | undefined): void {
    if (this.#wanted.get(key) !== value) return;
    this.#unwritten.delete(key);
    if (value === undefined) this.#wanted.delete(key);
  }
}
