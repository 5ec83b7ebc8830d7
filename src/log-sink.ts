import { writeSync } from "node:fs";
import { errnoOf } from "./errno.js";

export interface LogSinkOptions {
  readonly descriptor: number;
  /** To be told, when the log is read again, how many lines were lost meanwhile. */
  readonly lost: (lines: number) => void;
}

/** Some ten thousands of lines, as they come at once when all connections are cut. */
const MOST_KEPT_BYTES = 8 * 1_048_576;
/** The pause doubles as long as nobody reads. */
const RETRY_MS = { first: 1, most: 128 } as const;
/** Lines that are written, and taken out of the list together: one by one, it would be moved each time. */
const MOST_WRITTEN = 1_024;
/** How long the end of the process waits for a reader that is only slow. */
const LAST_TRY_MS = 500;

/**
 * Writes lines to a descriptor at once, so that none is missing if the process dies. But whoever reads the log may stop
 * to, and the proxy must not stop with it: what a pipe does not take is kept, up to a limit, beyond which lines are lost.
 */
export class LogSink {
  readonly #options: LogSinkOptions;
  readonly #kept: Buffer[] = [];
  /** How many of them, from the first, are written. */
  #written = 0;
  #keptBytes = 0;
  #lost = 0;
  #retrying: NodeJS.Timeout | undefined;
  #retryMs: number = RETRY_MS.first;

  constructor(options: LogSinkOptions) {
    this.#options = options;
  }

  write(line: string): void {
    const data = Buffer.from(line);
    // At least one, so that a line that is cut off in the middle gets its end before another begins.
    if (this.#keptBytes > 0 && this.#keptBytes + data.length > MOST_KEPT_BYTES) {
      this.#lost += 1;
      return;
    }
    this.#kept.push(data);
    this.#keptBytes += data.length;
    if (!this.#retrying) this.#advance();
  }

  /** Tries for a moment to write what is kept. */
  flush(): void {
    const deadlineMs = performance.now() + LAST_TRY_MS;
    const sleeping = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      this.#advance();
      if (this.#keptBytes === 0 || performance.now() > deadlineMs) return;
      Atomics.wait(sleeping, 0, 0, 10);
    }
  }

  #advance(): void {
    const before = this.#keptBytes;
    while (this.#keptBytes > 0) if (!this.#writeFirst()) break;
    if (this.#keptBytes > 0) {
      const isRead = this.#keptBytes < before;
      this.#retryMs = isRead ? RETRY_MS.first : Math.min(this.#retryMs * 2, RETRY_MS.most);
      clearTimeout(this.#retrying);
      this.#retrying = setTimeout(() => this.#advance(), this.#retryMs).unref();
      return;
    }
    clearTimeout(this.#retrying);
    this.#retrying = undefined;
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#options.lost(lost);
  }

  /** A line by itself, as a pipe takes that whole or not at all. False if it has to wait. */
  #writeFirst(): boolean {
    const data = this.#kept[this.#written] ?? Buffer.alloc(0);
    const size = this.#try(data);
    this.#keptBytes -= size;
    if (size < data.length) {
      this.#kept[this.#written] = data.subarray(size);
      return false;
    }
    this.#written += 1;
    if (this.#keptBytes === 0 || this.#written === MOST_WRITTEN) {
      this.#kept.splice(0, this.#written);
      this.#written = 0;
    }
    return true;
  }

  /** Answers how many bytes need not be written any more. */
  #try(data: Buffer): number {
    try {
      return writeSync(this.#options.descriptor, data);
    } catch (error) {
      // Else whoever read the log is gone, or the disk is full; that is no reason to end.
      return errnoOf(error) === "EAGAIN" ? 0 : data.length;
    }
  }
}
