import { createSerialQueue, holdTurn } from "./serial-queue.js";
import type { ServiceRecord } from "./service-record.js";

/** The records of all services. They are saved together, so one save at a time; what can't be saved has not happened. */
export class RecordBook {
  readonly #save: (records: readonly ServiceRecord[]) => Promise<void>;
  readonly #inTurn = createSerialQueue();
  #records: ReadonlyMap<string, ServiceRecord> = new Map();

  constructor(save: (records: readonly ServiceRecord[]) => Promise<void>) {
    this.#save = save;
  }

  get all(): readonly ServiceRecord[] {
    return [...this.#records.values()];
  }

  store(edit: (records: Map<string, ServiceRecord>) => void): Promise<void> {
    return this.#inTurn(async () => {
      const next = new Map(this.#records);
      edit(next);
      await this.#save([...next.values()]);
      this.#records = next;
    });
  }

  /** Resolves when nothing is being saved; nothing is until what it answers is called. */
  hold(): Promise<() => void> {
    return holdTurn(this.#inTurn);
  }
}
