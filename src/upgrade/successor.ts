import type { ChildProcess } from "node:child_process";
import { ProxyError } from "../errors.js";
import { Channel } from "./channel.js";
import type { FromNew, FromOld } from "./messages.js";

/** The process that is to take our place, as long as it may still fail. */
export class Successor {
  readonly channel: Channel<FromOld, FromNew>;
  readonly #child: ChildProcess;
  /** Rejects when it has failed. */
  readonly ended: Promise<never>;
  readonly #exited: Promise<void>;
  #reject: (error: Error) => void = () => undefined;

  /** @param child started with an IPC channel */
  constructor(child: ChildProcess, limitMs: number) {
    this.#child = child;
    this.channel = new Channel(child);
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    this.ended = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.ended.catch(() => undefined);
    child.once("error", ({ message }) => this.fail(`it can't be started: ${message}`));
    child.once("exit", (code, signal) =>
      this.fail(signal ? `it was ended by ${signal}` : `it ended with exit code ${code ?? "unknown"}`),
    );
    setTimeout(() => this.fail(`it was not ready within ${limitMs / 1_000} s`), limitMs).unref();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What it says next. @throws ProxyError UPGRADE_FAILED if it says something else, ends, or takes too long */
  async says<Type extends "loaded" | "serving">(
    type: Type,
  ): Promise<Extract<FromNew, { readonly type: Type }>> {
    const message = await Promise.race([this.channel.next(), this.ended]);
    if (isOf(message, type)) return message;
    throw failed(
      message.type === "failed" ? message.message : `it said '${message.type}' instead of '${type}'`,
    );
  }

  /** It will not take over. */
  fail(why: string): void {
    this.#reject(failed(why));
  }

  /** Resolves when it is no more. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }
}

function isOf<Type extends FromNew["type"]>(
  message: FromNew,
  type: Type,
): message is Extract<FromNew, { readonly type: Type }> {
  return message.type === type;
}

function failed(why: string): ProxyError {
  return new ProxyError("UPGRADE_FAILED", `the new process can't take over, and this one goes on: ${why}`);
}
