import { setTimeout } from "node:timers";
import { errnoOf, failureKind } from "../errno.js";
import type { Endpoint } from "../engine/engine.js";
import type { ProxyProtocol } from "../proxy-header.js";
import type { Checker } from "./checker.js";
import { afterCheck, nextCheckDelayMs, UNKNOWN, type Health } from "./health.js";
import type { HealthCheck } from "./health-check.js";

export interface HealthMonitorOptions {
  readonly checker: Checker;
  /** Where a backend is; empty while its name does not resolve. */
  readonly endpoints: (id: string) => readonly Endpoint[];
  /** Which PROXY protocol backends expect. */
  readonly sendProxy: () => ProxyProtocol;
  /** A check has ended; `turned`: and changed the state. */
  readonly onChecked: (id: string, turned: boolean) => void;
  readonly random?: () => number;
}

/**
 * Checks backends, each at its own pace: a check, a wait, the next check. A backend that is not tracked any more, or is
 * checked in another way, has its check under way aborted and its result left unread.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #random: () => number;
  readonly #subjects = new Map<string, Subject>();
  #check: HealthCheck | undefined;

  constructor(options: HealthMonitorOptions, check: HealthCheck | undefined) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#check = check;
  }

  get check(): HealthCheck | undefined {
    return this.#check;
  }

  /** Undefined: the backend is not checked. */
  health(id: string): Health | undefined {
    return this.#check && this.#subjects.get(id)?.health;
  }

  isUnhealthy(id: string): boolean {
    return this.health(id)?.state === "unhealthy";
  }

  /** Checks just these from now on; those that are new at once. `known`: what another monitor has found out. */
  follow(ids: readonly string[], known: (id: string) => Health | undefined = () => undefined): void {
    const wanted = new Set(ids);
    for (const [id, subject] of this.#subjects) {
      if (wanted.has(id)) continue;
      subject.stop();
      this.#subjects.delete(id);
    }
    for (const id of wanted) if (!this.#subjects.has(id)) this.#begin(id, known(id) ?? UNKNOWN);
  }

  /** Checks in another way, as if nothing were known. */
  setCheck(check: HealthCheck | undefined): void {
    const ids = [...this.#subjects.keys()];
    this.close();
    this.#check = check;
    this.follow(ids);
  }

  /** Something speaks for a change, such as a connect that failed. */
  checkSoon(id: string): void {
    this.#subjects.get(id)?.hurry();
  }

  close(): void {
    for (const subject of this.#subjects.values()) subject.stop();
    this.#subjects.clear();
  }

  #begin(id: string, health: Health): void {
    const check = this.#check;
    const subject = new Subject(health, {
      ask: (signal) => (check ? this.#ask(id, check, signal) : Promise.resolve()),
      nextDelayMs: (now) => (check ? nextCheckDelayMs(now, check, this.#random()) : undefined),
      learn: (now, error) => (check ? afterCheck(now, error, check, Date.now()) : now),
      onChecked: (turned) => this.#options.onChecked(id, turned),
    });
    this.#subjects.set(id, subject);
    if (check) subject.start(health === UNKNOWN ? 0 : nextCheckDelayMs(health, check, this.#random()));
  }

  /** One address after the other, all together within the time of one check. */
  async #ask(id: string, { kind, timeoutMs }: HealthCheck, signal: AbortSignal): Promise<void> {
    const endpoints = this.#options.endpoints(id);
    const limits = { signal, timeoutMs: timeoutMs / Math.max(endpoints.length, 1) };
    let failure: unknown = new Error("the name does not resolve");
    for (const endpoint of endpoints) {
      try {
        await this.#options.checker({ id, endpoint, sendProxy: this.#options.sendProxy() }, kind, limits);
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

interface SubjectOptions {
  readonly ask: (signal: AbortSignal) => Promise<void>;
  readonly nextDelayMs: (health: Health) => number | undefined;
  readonly learn: (health: Health, error: string) => Health;
  readonly onChecked: (turned: boolean) => void;
}

/** One backend: waiting for its next check, being checked, or stopped. */
class Subject {
  readonly #options: SubjectOptions;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #checking = false;
  health: Health;

  constructor(health: Health, options: SubjectOptions) {
    this.health = health;
    this.#options = options;
  }

  start(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#run(), delayMs).unref();
  }

  hurry(): void {
    if (this.#checking || this.#stopped.signal.aborted || this.health.against > 0) return;
    clearTimeout(this.#timer);
    void this.#run();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    this.#checking = true;
    const error = await this.#options.ask(this.#stopped.signal).then(() => "", explain);
    this.#checking = false;
    if (this.#stopped.signal.aborted) return;
    const before = this.health;
    if (error !== undefined) this.health = this.#options.learn(before, error);
    const delayMs = this.#options.nextDelayMs(this.health);
    if (delayMs !== undefined) this.start(delayMs);
    this.#options.onChecked(this.health.state !== before.state || this.health.error !== before.error);
  }
}

const MAX_ERROR = 200;

/** Undefined: the check says nothing of the backend, since this process has run out of something. */
function explain(error: unknown): string | undefined {
  if (failureKind(errnoOf(error)) === "exhausted") return undefined;
  const text = errnoOf(error) ?? (error instanceof Error ? error.message : "");
  return text.slice(0, MAX_ERROR) || "failed";
}
