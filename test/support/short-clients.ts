import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { readAll } from "./backends.js";

/** Connections that ask a web server and are over, one after the other, until told to end, or the test is over. */
export class ShortClients {
  readonly #stop = new AbortController();
  readonly #work: readonly Promise<void>[];
  /** Connections that were answered. */
  answered = 0;
  readonly failures: string[] = [];

  /** @param answers what the servers may answer */
  constructor(t: TestContext, ports: readonly number[], answers: readonly string[]) {
    t.after(() => this.end());
    this.#work = ports.map((port) => this.#run(port, new Set(answers)));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#work);
  }

  async #run(port: number, answers: ReadonlySet<string>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const answer = await readAll(port, "GET / HTTP/1.1\r\n\r\n").catch(String);
      if (answers.has(answer.split("\r\n\r\n")[1] ?? "")) this.answered += 1;
      else this.failures.push(`at ${new Date().toISOString()}: ${JSON.stringify(answer)}`);
      await delay(5);
    }
  }
}
