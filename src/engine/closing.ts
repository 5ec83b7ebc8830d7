import type { CloseReport } from "./engine.js";

/** A listener that accepts no more: it waits for its connections to end, and after the grace has them cut. */
export class Closing {
  readonly promise: Promise<CloseReport>;
  readonly #openAtStart: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #resolve: (report: CloseReport) => void = () => undefined;
  #cut = 0;

  constructor(openAtStart: number, graceMs: number, cutAll: () => void) {
    this.#openAtStart = openAtStart;
    this.promise = new Promise((resolve) => (this.#resolve = resolve));
    if (Number.isFinite(graceMs)) this.#timer = setTimeout(cutAll, graceMs);
  }

  countCut(connections: number): void {
    this.#cut += connections;
  }

  finish(): void {
    clearTimeout(this.#timer);
    this.#resolve({ ended: this.#openAtStart - this.#cut, cut: this.#cut });
  }
}
