import { writeSync } from "node:fs";
import { errnoOf } from "./errno.js";

export interface LogSinkOptions {
  readonly descriptor: number;
  /** To be told, when the log is read again, how many lines were lost meanwhile. */
  readonly lost: (lines: number) => void;
}

/** Some thousands of lines. */
const MOST_KEPT_BYTES = 1_048_576;
const RETRY_MS = 100;
/** How long the end of the process waits for a reader that is only slow. */
const LAST_TRY_MS = 500;

/**
 * Writes lines to a descriptor at once, so that none is missing if the process dies. But whoever reads the log may stop
 * to, and the proxy must not stop with it: what a pipe does not take is kept, up to a limit, beyond which lines are lost.
 */
export class LogSink {
  readonly #options: LogSinkOptions;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #lost = 0;
  #retrying: NodeJS.Timeout | undefined;

  constructor(options: LogSinkOptions) {
    this.#options = options;
  }

  write(line: string): void {
    const data = Buffer.from(line);
    // At least one, so that a line that is cut off in the middle gets its end before another begins.
    if (this.#kept.length > 0 && this.#keptBytes + data.length > MOST_KEPT_BYTES) {
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
      if (this.#kept.length === 0 || performance.now() > deadlineMs) return;
      Atomics.wait(sleeping, 0, 0, 10);
    }
  }

  #advance(): void {
    while (this.#kept.length > 0) if (!this.#writeFirst()) break;
    if (this.#kept.length > 0) {
      this.#retrying ??= setInterval(() => this.#advance(), RETRY_MS).unref();
      return;
    }
    clearInterval(this.#retrying);
    this.#retrying = undefined;
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#options.lost(lost);
  }

  /** False if it has to wait. */
  #writeFirst(): boolean {
    const data = this.#kept[0] ?? Buffer.alloc(0);
    const written = this.#try(data);
    this.#keptBytes -= written;
    if (written === data.length) this.#kept.shift();
    else this.#kept[0] = data.subarray(written);
    return written === data.length;
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
