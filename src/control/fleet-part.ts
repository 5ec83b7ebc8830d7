import { setTimeout } from "node:timers";
import type { Logger } from "../logger.js";
import type { BackendList } from "./backend-list.js";
import { CandidateWatch, type CandidateWatchOptions } from "./candidate-watch.js";
import type { DrainKeeper } from "./drain-keeper.js";
import { NO_LIMITS, type DrainLimits } from "./drain.js";
import type { Fleet, MemberService } from "./fleet.js";
import type { ListChanger } from "./list-changer.js";
import { LimitTelling } from "./limit-telling.js";
import { reportDeploy, reportService } from "./member-report.js";
import type { RecordKeeper } from "./record-keeper.js";
import type { ServiceState } from "./service-state.js";

export interface FleetPartOptions extends Pick<
  CandidateWatchOptions,
  "resolution" | "resolveWaitMs" | "createMonitor" | "onChecked"
> {
  readonly fleet: Fleet;
  readonly keeper: RecordKeeper;
  readonly changer: ListChanger;
  readonly drains: DrainKeeper;
  readonly logger: Logger;
}

/** How long a canary may be without its proxy before another one undoes it: longer than a lease is renewed for anew. */
const ORPHANED_AFTER_MS = 2_000;

/**
 * What a service does as one of a fleet: it follows what other proxies change, judges the new backends of their deploys,
 * tells what it has applied and what drains here, and undoes a canary whose proxy has gone.
 */
export class FleetPart {
  readonly #options: FleetPartOptions;
  readonly #candidates: CandidateWatch;
  readonly #limits: LimitTelling;
  readonly #unfollow: readonly (() => void)[];
  #orphaned: NodeJS.Timeout | undefined;

  constructor(options: FleetPartOptions) {
    this.#options = options;
    this.#candidates = new CandidateWatch(options);
    const { fleet, keeper } = options;
    this.#limits = new LimitTelling(keeper, (error) => this.#warn("limit-drains", error));
    const follow = fleet.follow(this.#name, (latest) => this.#warnOf("adopt", keeper.adopt(latest)));
    this.#unfollow = [follow, fleet.onChange(() => this.#look())];
    this.#look();
  }

  /** A deploy of the fleet waits for what this proxy tells. */
  get awaited(): boolean {
    return this.#candidates.note !== undefined;
  }

  /** For the other proxies. */
  report(state: ServiceState): MemberService {
    const { changer, drains } = this.#options;
    return reportService(state, changer.appliedRevision, reportDeploy(this.#candidates, drains));
  }

  /** Other limits for the drains that the last change has begun, here at once and on the other proxies when they hear it. */
  limitDrains(ids: readonly string[], drainLimits: DrainLimits): void {
    this.#options.drains.limitIfRunning(ids, drainLimits);
    this.#limits.tell(drainLimits);
  }

  close(): void {
    for (const stop of this.#unfollow) stop();
    clearTimeout(this.#orphaned);
    this.#limits.close();
    this.#candidates.close();
  }

  get #name(): string {
    return this.#options.keeper.present.name;
  }

  #look(): void {
    this.#candidates.follow(this.#options.fleet.deployOf(this.#name));
    if (!this.#isOrphaned()) {
      clearTimeout(this.#orphaned);
      this.#orphaned = undefined;
      return;
    }
    this.#orphaned ??= setTimeout(() => this.#undoCanary(), ORPHANED_AFTER_MS).unref();
  }

  /** One proxy is enough to undo it; which one makes no difference. */
  #isOrphaned(): boolean {
    const { fleet, keeper } = this.#options;
    if (!keeper.present.returnTo || fleet.deployOf(this.#name)) return false;
    const serving = fleet
      .members()
      .find(({ services }) => services.some(({ service }) => service === this.#name));
    return fleet.store.available && serving?.id === fleet.self;
  }

  #undoCanary(): void {
    this.#orphaned = undefined;
    const { keeper, changer } = this.#options;
    const { returnTo, revision: expectedRevision } = keeper.present;
    if (!this.#isOrphaned() || !returnTo) return;
    const author = { actor: "fleet", from: "" };
    const end = { trial: { of: undefined }, drain: NO_LIMITS };
    const edit = (): BackendList => returnTo;
    this.#warnOf(
      "undo-canary",
      changer.change({ verb: "return", ...author, edit, ...end, expectedRevision }),
    );
  }

  /** What can't be done now is done when the store can be reached again, or by another proxy. */
  #warnOf(what: string, done: Promise<unknown>): void {
    done.catch((error: unknown) => this.#warn(what, error));
  }

  #warn(what: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.logger.warn({ event: "fleet", what, reason }, "could not be done now");
  }
}
