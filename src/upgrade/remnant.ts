import { isDeepStrictEqual } from "node:util";
import type { Listener, TargetCounters } from "../engine/engine.js";
import { NO_COUNTERS } from "../engine/no-counters.js";
import type { Channel } from "./channel.js";
import { addCounters } from "./counters.js";
import type { Command, FromNew, FromOld, ListenerReport, TargetReport } from "./messages.js";

const REPORT_INTERVAL_MS = 250;

/** A listener with the targets it may have connections of. */
export interface Remaining {
  readonly listener: Listener;
  readonly targets: Iterable<string>;
  /** What was counted of a target is forgotten when it is out of the list and empty: it is told before. */
  readonly followEmptied: (call: (target: string, counters: TargetCounters) => void) => void;
}

export interface RemnantOptions {
  readonly channel: Channel<FromOld, FromNew>;
  readonly services: ReadonlyMap<string, Remaining>;
  /** Connections open in the whole process. */
  readonly openConnections: () => number;
}

/**
 * What is left of a process that another one has taken the place of: it does with its connections what it is told, and says
 * four times a second what has become of them, until there are none. If nobody listens any more, they still end in their own
 * time.
 */
export class Remnant {
  readonly #options: RemnantOptions;
  readonly #services: ReadonlyMap<string, RemainingService>;

  constructor(options: RemnantOptions) {
    this.#options = options;
    this.#services = new Map(
      [...options.services].map(([name, remaining]) => [name, new RemainingService(remaining)]),
    );
    options.channel.follow((message) => this.#obey(message));
  }

  /** Resolves when no connection is open. */
  async empty(): Promise<void> {
    this.#report();
    while (this.#options.openConnections() > 0) {
      await new Promise((resolve) => setTimeout(resolve, REPORT_INTERVAL_MS));
      this.#report();
    }
  }

  #obey(message: FromNew): void {
    if (message.type !== "command") return;
    const service = this.#services.get(message.service);
    if (!service) return;
    const done = service.obey(message);
    if (message.do === "apply")
      void done.then(() => this.#options.channel.send({ type: "applied", ...pick(message) }));
  }

  #report(): void {
    const { channel, openConnections } = this.#options;
    const services = [...this.#services].flatMap(([name, service]) => {
      const changed = service.changes();
      return changed ? [[name, changed] as const] : [];
    });
    if (services.length === 0) return;
    channel.send({
      type: "remains",
      services: Object.fromEntries(services),
      openConnections: openConnections(),
    });
  }
}

class RemainingService {
  readonly #listener: Listener;
  readonly #targets: Set<string>;
  /** What was counted of targets that the listener has forgotten: how the last ones ended is part of the drain. */
  readonly #forgotten = new Map<string, TargetCounters>();
  #told: ListenerReport | undefined;

  constructor({ listener, targets, followEmptied }: Remaining) {
    this.#listener = listener;
    this.#targets = new Set(targets);
    followEmptied((target, counters) => {
      const before = this.#forgotten.get(target) ?? NO_COUNTERS;
      this.#forgotten.set(target, addCounters(before, counters));
    });
  }

  async obey(command: Command): Promise<void> {
    const listener = this.#listener;
    switch (command.do) {
      case "apply":
        for (const { id } of command.table.targets) this.#targets.add(id);
        return listener.apply(command.table);
      case "configure":
        listener.configure(command.settings);
        break;
      case "pause":
        listener.pause(command.limits);
        break;
      case "resume":
        listener.resume(command.pacePerSecond);
        break;
      case "cut":
        listener.cut(command.target, command.atMost);
        break;
      case "close-idle":
        listener.closeIdle(command.target, command.idleMs);
        break;
      case "close":
        void listener.close(command.graceMs ?? Infinity);
        break;
    }
  }

  /** Undefined: nothing has changed. */
  changes(): ListenerReport | undefined {
    const now = reportOf(this.#listener, this.#targets, this.#forgotten);
    const told = this.#told;
    this.#told = now;
    if (!told) return now;
    const targets = Object.entries(now.targets).filter(
      ([id, report]) => !isDeepStrictEqual(report, told.targets[id]),
    );
    if (targets.length === 0 && isDeepStrictEqual(now.totals, told.totals)) return undefined;
    return { totals: now.totals, targets: Object.fromEntries(targets) };
  }
}

/** @param forgotten what is to be added to what the listener still knows */
export function reportOf(
  listener: Listener,
  targets: Iterable<string>,
  forgotten: ReadonlyMap<string, TargetCounters> = new Map<string, TargetCounters>(),
): ListenerReport {
  const reports = [...targets].map((id): readonly [string, TargetReport] => {
    const oldest = listener.oldestConnection(id);
    const counters = addCounters(listener.counters(id), forgotten.get(id) ?? NO_COUNTERS);
    return [id, { counters, ...(oldest !== undefined && { oldest }) }];
  });
  return { totals: listener.totals(), targets: Object.fromEntries(reports) };
}

const pick = ({ service, id }: { readonly service: string; readonly id: number }) => ({ service, id });
