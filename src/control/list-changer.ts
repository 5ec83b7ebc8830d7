import { isDeepStrictEqual } from "node:util";
import type { Listener } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { sameList, without, type BackendList } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import type { DeployCandidate } from "./deploy-status.js";
import type { DrainKeeper } from "./drain-keeper.js";
import { checkDrainLimits, NO_LIMITS, type Drain, type DrainLimits } from "./drain.js";
import type { HealthMonitor } from "./health-monitor.js";
import { authorOf, type Author, type ChangeVerb } from "./history.js";
import { ledgerOf, ledgerSince, type Ledger } from "./ledger.js";
import type { ChangeOptions, ChangeResult } from "./management.js";
import type { RecordKeeper, Step } from "./record-keeper.js";
import type { Router } from "./router.js";
import { withList, type DrainRecord, type ServiceRecord, type Trial } from "./service-record.js";

/** A change of the list that computes the next one from the present. */
export interface ListEdit extends Author {
  readonly verb: ChangeVerb;
  readonly edit: (list: BackendList) => BackendList;
  /** For the backends that leave. */
  readonly drain: DrainLimits;
  readonly expectedRevision: number | undefined;
  /** What some proxies are to go by. Left out: a trial under way ends if the list changes, and only then. */
  readonly trial?: { readonly of: Trial | undefined };
}

/** Says what has changed, if anything has, to the log and the watchers. */
export type Tell = (changed: boolean, facts: object, text: string) => ChangeResult;

export interface ListChangerOptions {
  readonly listener: Listener;
  readonly resolution: BackendResolution;
  readonly resolveWaitMs: number;
  readonly keeper: RecordKeeper;
  readonly router: Router;
  readonly monitor: HealthMonitor;
  readonly drains: DrainKeeper;
  /** What a deploy has found out about backends before they came into the list. */
  readonly knownHealth: () => readonly DeployCandidate[];
  readonly tell: Tell;
  /** What the listener had counted when the present revision came into force. Default: what it has counted now. */
  readonly ledgerBefore?: Ledger | undefined;
}

/**
 * Changes the list, in this order: the change waits for its turn (changes are carried out one at a time); the expected
 * revision is compared; the next list is computed; new names are looked up, which may take `resolveWaitMs`, and
 * forbidden addresses refused; the next record is stored; then list and revision change in one step, the routing table
 * is built from them, and every engine thread acknowledges it; what has left begins to drain; then watchers are told
 * and the caller is answered. Whatever fails does so before the step.
 */
export class ListChanger {
  readonly #options: ListChangerOptions;
  /** When the present revision came into force. */
  #ledgerBefore: Ledger;
  #appliedRevision: number;

  constructor(options: ListChangerOptions) {
    this.#options = options;
    this.#ledgerBefore = options.ledgerBefore ?? ledgerOf(options.listener.totals());
    this.#appliedRevision = options.keeper.present.revision;
  }

  /** Of the list that every engine thread goes by; what it has taken out drains. */
  get appliedRevision(): number {
    return this.#appliedRevision;
  }

  get ledgerBefore(): Ledger {
    return this.#ledgerBefore;
  }

  /** @throws ProxyError REVISION_MISMATCH, FORBIDDEN_BACKEND, STORE_FAILED, SHUTTING_DOWN, and what `edit` throws */
  change(change: ListEdit): Promise<ChangeResult> {
    return this.#options.keeper.change((record) => this.#prepare(record, change));
  }

  /** What became of the connections that ended since the present revision is in force. */
  ledgerOfRevision(): Ledger {
    return ledgerSince(this.#ledgerBefore, ledgerOf(this.#options.listener.totals()));
  }

  async #prepare(record: ServiceRecord, change: ListEdit): Promise<Step<ChangeResult>> {
    const { resolution, resolveWaitMs, drains, keeper } = this.#options;
    const { verb, actor, from, drain: drainLimits } = change;
    requireRevision(change.expectedRevision, record.revision);
    const list = change.edit(record.list);
    const trial = change.trial?.of;
    if (sameList(list, record.list) && (!change.trial || trial === record.trial))
      return { next: record, effect: () => this.#keepList(change) };
    const [before, after] = [keeper.listOf(record), keeper.listOf({ list, trial })];
    const entering = without(after, before);
    await resolution.admit(entering, resolveWaitMs);
    const [leaving, atUnixMs] = [without(before, after), Date.now()];
    const draining = [...drains.running.map(toRecord), ...this.#inUse(leaving, atUnixMs)];
    const counted = { ledger: this.ledgerOfRevision(), drains: draining, drainLimits };
    return {
      next: withList(record, { list, trial, verb, actor, from, atUnixMs, ...counted }),
      effect: () => this.#putInForce(change, leaving),
      abandon: () => resolution.release(entering),
    };
  }

  /** Puts in force what another proxy of the fleet has changed, as if it had been changed here. */
  async follow(before: ServiceRecord, after: ServiceRecord): Promise<void> {
    const { keeper, resolution, resolveWaitMs, drains } = this.#options;
    const [old, list] = [keeper.listOf(before), keeper.listOf(after)];
    if (after.revision === before.revision && sameList(old, list)) {
      if (isDeepStrictEqual(after.drainLimits, before.drainLimits)) return;
      drains.limitIfRunning(leftBy(after), after.drainLimits);
      return;
    }
    await resolution.enter(without(list, old), resolveWaitMs);
    const { verb = "set", actor = "" } = after.history.at(-1) ?? {};
    await this.#putInForce({ verb, actor, drain: after.drainLimits }, without(old, list));
  }

  /** The original starts the round anew with each Set, also with one of the same list. */
  async #keepList({ verb }: ListEdit): Promise<ChangeResult> {
    if (verb === "set") await this.#options.router.apply({ restart: true });
    return this.#options.tell(false, {}, "");
  }

  async #putInForce(
    { verb, actor, drain }: Pick<ListEdit, "verb" | "actor" | "drain">,
    leaving: BackendList,
  ): Promise<ChangeResult> {
    const { keeper, resolution, monitor, router, drains, listener, tell } = this.#options;
    const [list, { revision }] = [keeper.list, keeper.present];
    const known = new Map(this.#options.knownHealth().map(({ address, health }) => [address, health]));
    resolution.release(leaving);
    monitor.follow(
      list.map(({ id }) => id),
      (id) => known.get(id),
    );
    await router.apply({ restart: verb === "set" });
    this.#ledgerBefore = ledgerOf(listener.totals());
    drains.follow(leaving, list, drain);
    this.#appliedRevision = revision;
    const backends = list.map(({ id, weight }) => (weight === 1 ? id : `${id}=${weight}`));
    return tell(true, { event: "changed", verb, revision, actor, backends }, "backends changed");
  }

  #inUse(leaving: BackendList, startedUnixMs: number): readonly DrainRecord[] {
    return leaving
      .map(({ id, weight }) => {
        const open = this.#options.listener.counters(id).activeConnections;
        return { id, weight, startedUnixMs, open };
      })
      .filter(({ open }) => open > 0);
  }
}

/** The backends that the present revision has taken out. */
function leftBy({ history, list }: ServiceRecord): readonly string[] {
  return without(history.at(-2)?.list ?? [], list).map(({ id }) => id);
}

export function toRecord({ id, weight, startedUnixMs, now: { open } }: Drain): DrainRecord {
  return { id, weight, startedUnixMs, open };
}

/** @throws ProxyError INVALID_ARGUMENT */
export function completeOptions({
  drain = NO_LIMITS,
  expectedRevision,
  ...author
}: ChangeOptions): Pick<ListEdit, "actor" | "from" | "drain" | "expectedRevision"> {
  return { ...authorOf(author), drain: checkDrainLimits(drain), expectedRevision };
}

/** @throws ProxyError REVISION_MISMATCH */
export function requireRevision(expected: number | undefined, present: number): void {
  if (expected === undefined || expected === present) return;
  throw new ProxyError(
    "REVISION_MISMATCH",
    `the revision is ${present}, not ${expected}: the list was changed by someone else; read it and try again`,
    { details: { current_revision: String(present) } },
  );
}
