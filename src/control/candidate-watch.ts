import type { BackendList } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import type { DeployCandidate } from "./deploy-status.js";
import type { DeployNote } from "./fleet.js";
import type { HealthCheck } from "./health-check.js";
import { UNKNOWN } from "./health.js";
import type { HealthMonitor } from "./health-monitor.js";

export interface CandidateWatchOptions {
  readonly resolution: BackendResolution;
  readonly resolveWaitMs: number;
  readonly createMonitor: (check: HealthCheck, backends: BackendList, onChecked: () => void) => HealthMonitor;
  readonly onChecked: () => void;
}

interface Watched {
  readonly note: DeployNote;
  readonly monitor: HealthMonitor;
}

/** Judges the new backends of the fleet's deploy, whichever proxy carries it out, for as long as it lasts. */
export class CandidateWatch {
  readonly #options: CandidateWatchOptions;
  #watched: Watched | undefined;

  constructor(options: CandidateWatchOptions) {
    this.#options = options;
  }

  /** The deploy under way. */
  follow(note: DeployNote | undefined): void {
    if (note?.id === this.#watched?.note.id) return;
    this.close();
    if (!note?.fleet) return;
    const { resolution, resolveWaitMs, createMonitor, onChecked } = this.#options;
    const monitor = createMonitor(note.check, note.candidates, onChecked);
    this.#watched = { note, monitor };
    void resolution.enter(note.candidates, resolveWaitMs).then(() => {
      if (this.#watched?.monitor === monitor) monitor.follow(note.candidates.map(({ id }) => id));
    });
  }

  get note(): DeployNote | undefined {
    return this.#watched?.note;
  }

  get candidates(): readonly DeployCandidate[] {
    if (!this.#watched) return [];
    const { note, monitor } = this.#watched;
    return note.candidates.map(({ id: address }) => ({
      address,
      health: monitor.health(address) ?? UNKNOWN,
    }));
  }

  close(): void {
    if (!this.#watched) return;
    this.#watched.monitor.close();
    this.#options.resolution.release(this.#watched.note.candidates);
    this.#watched = undefined;
  }
}
