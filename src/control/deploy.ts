import { setInterval, setTimeout } from "node:timers";
import { ProxyError } from "../errors.js";
import { without, type BackendList, type ListedBackend } from "./backend-list.js";
import { canaryList } from "./canary-weights.js";
import type { DeployPlan } from "./deploy-plan.js";
import {
  beginDeploy,
  endDeploy,
  enterPhase,
  observeDeploy,
  type DeployOutcome,
  type DeployProxy,
  type DeployStatus,
} from "./deploy-status.js";
import { NO_LIMITS, type Drain, type DrainLimits } from "./drain.js";
import type { HealthCheck } from "./health-check.js";
import { UNKNOWN, type Health } from "./health.js";
import type { ChangeVerb } from "./history.js";
import type { ListEdit } from "./list-changer.js";
import type { ServiceRecord, Trial } from "./service-record.js";

/** The service as a deploy sees it: in this proxy, or in all of a fleet. */
export interface DeployHost {
  present(): Pick<ServiceRecord, "list" | "revision" | "trial">;
  /** Changes the list if its revision is still the expected one, and answers the new revision. */
  commit(change: DeployCommit): Promise<number>;
  /** The drain of a backend that has left; undefined: nothing is known of one. */
  drain(backend: ListedBackend): Drain | undefined;
  /** Other limits for those of the drains that are still under way. */
  limitDrains(ids: readonly string[], limits: DrainLimits): void;
  /** Calls back whenever a drain may have changed. */
  onDrainChange(call: () => void): () => void;
  /** Attempts to connect to backends so far. */
  attempts(ids: readonly string[]): Attempts;
  /** Judges backends that need not be in the list. */
  judge(check: HealthCheck, backends: BackendList, onJudged: () => void): Judge;
  /** The proxies that are waited for; empty: only this one. */
  proxies(): readonly DeployProxy[];
}

export interface Attempts {
  readonly made: number;
  readonly failed: number;
}

export interface Judge {
  health(id: string): Health | undefined;
  close(): void;
}

export interface DeployCommit extends Omit<ListEdit, "edit" | "trial"> {
  readonly list: BackendList;
  readonly trial: Trial | undefined;
}

export type OnDeployStatus = (status: DeployStatus, phaseChanged: boolean) => void;

/** Why a deploy ends before its end. */
class Stop extends Error {
  readonly outcome: Exclude<DeployOutcome, "switched">;

  constructor(outcome: Stop["outcome"], reason: string) {
    super(reason);
    this.outcome = outcome;
  }
}

const SAMPLE_MS = 1_000;
/** Fewer attempts in one sample say nothing about a rate. */
const MIN_ATTEMPTS = 5;

/** One deploy, from the request to the verdict. What is changed is said in `run`; the rest is waiting. */
export class Deploy {
  readonly #host: DeployHost;
  readonly #onStatus: OnDeployStatus;
  readonly #plan: DeployPlan;
  readonly #before: BackendList;
  readonly #leaving: BackendList;
  readonly #candidates: BackendList;
  readonly #judge: Judge;
  /** Aborted with the reason: the caller has gone, or the proxy stops. */
  readonly #cancelled = new AbortController();
  #waiting: () => void = () => undefined;
  /** The revision that the deploy has seen or made last. */
  #revision: number;
  #switched = false;
  #status: DeployStatus;

  constructor(id: string, host: DeployHost, onStatus: OnDeployStatus, plan: DeployPlan) {
    this.#host = host;
    this.#onStatus = onStatus;
    this.#plan = plan;
    const { list, revision } = host.present();
    this.#before = list;
    this.#revision = revision;
    this.#leaving = without(list, plan.backends);
    this.#candidates = without(plan.backends, list);
    this.#status = beginDeploy(id, plan.backends, plan.healthTimeoutMs, Date.now());
    this.#judge = host.judge(plan.candidateCheck, this.#candidates, () => this.#look());
  }

  get status(): DeployStatus {
    return this.#status;
  }

  get over(): boolean {
    return this.#status.phase === "done";
  }

  /** Before the switch this ends the deploy; afterwards it only ends the baking, and the switch stands. */
  stop(reason: string): void {
    this.#cancelled.abort(reason);
    this.#waiting();
  }

  /** The caller has gone: before the switch that cancels, afterwards it changes nothing. */
  callerLeft(): void {
    if (!this.#switched) this.stop("the caller went away");
  }

  /** The whole order of a deploy. Never rejects: the verdict says how it ended. */
  async run(): Promise<void> {
    const { canaryPercents, bakeMs } = this.#plan;
    const unwatch = this.#host.onDrainChange(() => this.#look());
    try {
      await this.#untilHealthy();
      await this.#try();
      for (const percent of canaryPercents) await this.#shift(percent);
      await this.#switch();
      if (bakeMs > 0) await this.#bake();
      await this.#untilDrained();
      this.#end("switched", "");
    } catch (error) {
      await this.#giveUp(error);
    } finally {
      unwatch();
      this.#judge.close();
    }
  }

  async #untilHealthy(): Promise<void> {
    const { healthTimeoutMs } = this.#plan;
    this.#look();
    const isHealthy = (id: string): boolean => this.#judge.health(id)?.state === "healthy";
    const allHealthy = (): boolean => this.#candidates.every(({ id }) => isHealthy(id));
    if (await this.#until(allHealthy, healthTimeoutMs)) return;
    const sick = this.#candidates.filter(({ id }) => !isHealthy(id)).map(({ id }) => this.#complaint(id));
    throw new Stop("never-healthy", `not healthy within ${healthTimeoutMs} ms: ${sick.join(", ")}`);
  }

  /** The canary of a fleet: some proxies are switched, then there is time for failures to show. */
  async #try(): Promise<void> {
    const { backends, canaryStepMs, firstProxies } = this.#plan;
    if (firstProxies === 0) return;
    const all = this.#host.proxies().filter(({ vanished }) => !vanished);
    const proxies = all.slice(0, firstProxies).map(({ id }) => id);
    await this.#commit(this.#before, "canary", NO_LIMITS, { proxies, list: backends });
    this.#enter("canary", Math.round((100 * proxies.length) / all.length), canaryStepMs);
    await this.#observeFor(canaryStepMs);
    this.#requireTried();
  }

  /** Proxies that have gone can't have complained, and it may be the new backends that they have died of. */
  #requireTried(): void {
    const isTrying = this.#host.proxies().some(({ first, vanished }) => first && !vanished);
    if (!isTrying)
      throw new Stop("returned", "no proxy is left of those on which the new backends were tried");
  }

  /** One step of the canary: another share, then time for failures to show. */
  async #shift(percent: number): Promise<void> {
    const { backends, canaryStepMs } = this.#plan;
    await this.#commit(canaryList(this.#before, backends, percent), "canary", NO_LIMITS);
    this.#enter("canary", percent, canaryStepMs);
    await this.#observeFor(canaryStepMs);
  }

  /** During a bake the old backends are kept warm, so their drain has no limits yet. */
  async #switch(): Promise<void> {
    const { backends, bakeMs, drain } = this.#plan;
    this.#throwIfStopped();
    await this.#commit(backends, "deploy", bakeMs > 0 ? NO_LIMITS : drain);
    this.#switched = true;
  }

  async #bake(): Promise<void> {
    this.#enter("baking", 100, this.#plan.bakeMs);
    await this.#observeFor(this.#plan.bakeMs);
    this.#host.limitDrains(
      this.#leaving.map(({ id }) => id),
      this.#plan.drain,
    );
  }

  async #untilDrained(): Promise<void> {
    this.#enter("draining", 100, this.#plan.drain.limitMs);
    this.#look();
    await this.#until(() => this.#status.drains.every(({ state }) => state.phase === "ended"), undefined);
  }

  async #giveUp(error: unknown): Promise<void> {
    const stop = asStop(error);
    const { list, trial } = this.#host.present();
    const isChanged = list !== this.#before || trial !== undefined;
    const isOurs = stop.outcome !== "superseded" && stop.outcome !== "unknown";
    const mustReturn = isOurs && isChanged && this.#status.revision > 0;
    try {
      if (mustReturn) await this.#commit(this.#before, "return", this.#plan.drain);
      this.#end(stop.outcome, stop.message);
    } catch (second) {
      const { outcome, message } = asStop(second);
      const left = outcome === "superseded" ? outcome : "unknown";
      this.#end(left, `${stop.message}; and returning failed: ${message}`);
    }
  }

  /** Watches over the new backends for a while. */
  async #observeFor(durationMs: number): Promise<void> {
    let complaint = "";
    let before = this.#attempts();
    const sample = (): void => {
      const now = this.#attempts();
      complaint ||= this.#failureRate(before, now);
      before = now;
      this.#look();
    };
    const timer = setInterval(sample, SAMPLE_MS);
    const failed = (): boolean => (complaint ||= this.#sickness()) !== "" || this.#isSuperseded();
    try {
      await this.#until(failed, durationMs);
      sample();
    } finally {
      clearInterval(timer);
    }
    if (this.#isSuperseded()) throw superseded();
    if (complaint !== "") throw new Stop("returned", complaint);
  }

  #sickness(): string {
    const sick = this.#candidates.find(({ id }) => this.#judge.health(id)?.state === "unhealthy");
    return sick ? `${this.#complaint(sick.id)} after it had been healthy` : "";
  }

  #attempts(): Attempts {
    return this.#host.attempts(this.#candidates.map(({ id }) => id));
  }

  #failureRate(before: Attempts, now: Attempts): string {
    const [made, failed] = [now.made - before.made, now.failed - before.failed];
    const percent = (100 * failed) / made;
    if (made < MIN_ATTEMPTS || percent <= this.#plan.maxConnectFailurePercent) return "";
    return `${failed} of ${made} connects to the new backends failed within a second`;
  }

  /** Waits until it is so, or the time is over: whether it is so. @throws Stop if cancelled before the switch */
  async #until(isSo: () => boolean, limitMs: number | undefined): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    let expired = false;
    const over = (): boolean =>
      isSo() || expired || (this.#cancelled.signal.aborted && this.#status.phase !== "draining");
    while (!over()) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
        if (limitMs === undefined || timer) return;
        const expire = (): void => {
          expired = true;
          this.#waiting();
        };
        timer = setTimeout(expire, limitMs);
      });
    }
    clearTimeout(timer);
    this.#throwIfStopped();
    return isSo();
  }

  #throwIfStopped(): void {
    const { signal } = this.#cancelled;
    if (signal.aborted && !this.#switched) throw new Stop("cancelled", String(signal.reason));
  }

  /** Something may have changed: takes note of it, and looks whether that is what is waited for. */
  #look(): void {
    if (this.over) return;
    const candidates = this.#candidates.map(({ id: address }) => {
      return { address, health: this.#judge.health(address) ?? UNKNOWN };
    });
    const before = this.#status;
    const proxies = this.#host.proxies();
    this.#status = observeDeploy(before, { candidates, drains: this.#drains(), proxies });
    if (isNews(before, this.#status)) this.#onStatus(this.#status, false);
    this.#waiting();
  }

  #drains(): DeployStatus["drains"] {
    if (!this.#switched) return [];
    return this.#leaving.flatMap((backend) => this.#host.drain(backend) ?? []);
  }

  async #commit(list: BackendList, verb: ChangeVerb, drain: DrainLimits, trial?: Trial): Promise<void> {
    this.#revision = await this.#host.commit({
      ...this.#plan.author,
      list,
      verb,
      drain,
      trial,
      expectedRevision: this.#revision,
    });
    this.#status = { ...this.#status, revision: this.#revision };
  }

  #enter(phase: "canary" | "baking" | "draining", percent: number, lastsMs: number | undefined): void {
    const change = { phase, percent, lastsMs, revision: this.#revision };
    this.#status = observeDeploy(enterPhase(this.#status, change, Date.now()), {
      proxies: this.#host.proxies(),
    });
    this.#onStatus(this.#status, true);
  }

  #end(outcome: DeployOutcome, reason: string): void {
    this.#status = observeDeploy(this.#status, { drains: this.#drains(), proxies: this.#host.proxies() });
    this.#status = endDeploy(
      this.#status,
      { outcome, reason, revision: this.#host.present().revision },
      Date.now(),
    );
    this.#onStatus(this.#status, true);
  }

  #isSuperseded(): boolean {
    return this.#host.present().revision !== this.#revision;
  }

  #complaint(id: string): string {
    const health: Health = this.#judge.health(id) ?? UNKNOWN;
    return `${id} (${health.error === "" ? "no check has ended" : health.error})`;
  }
}

/** Whether anyone who waits would want to know. */
function isNews(before: DeployStatus, now: DeployStatus): boolean {
  const gist = ({ candidates, drains, proxies }: DeployStatus): string =>
    JSON.stringify([
      proxies,
      candidates.map(({ health: { state, error } }) => [state, error]),
      drains.map(({ state, now: { open }, deadlineUnixMs }) => [state.phase, open, deadlineUnixMs]),
    ]);
  return gist(before) !== gist(now);
}

const superseded = (): Stop => new Stop("superseded", "the list was changed by someone else meanwhile");

function asStop(error: unknown): Stop {
  if (error instanceof Stop) return error;
  if (error instanceof ProxyError && error.code === "REVISION_MISMATCH") return superseded();
  if (error instanceof ProxyError && error.details["outcome"] === "unknown")
    return new Stop("unknown", error.message);
  return new Stop("cancelled", error instanceof Error ? error.message : "failed");
}
