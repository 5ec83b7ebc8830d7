import { setTimeout as sleep } from "node:timers/promises";
import { ProxyError } from "../errors.js";
import type { BackendList } from "./backend-list.js";
import type { Ledger } from "./ledger.js";
import { createSerialQueue, holdTurn } from "./serial-queue.js";
import { listFor, type ServiceRecord } from "./service-record.js";
import {
  differs,
  historyOf,
  isLater,
  joinRecord,
  missedBetween,
  sharedPart,
  UNSEEN,
  withShared,
  type Latest,
  type SharedCopy,
  type Version,
} from "./shared-service.js";

/** Another proxy can be quicker now and then, but hardly so often in a row. */
const MAX_ROUNDS = 50;
const ROUND_PAUSE_MS = 10;

/** Makes a record last. Rejects if it can't; then the record before it is still the one that lasts. */
export type Persist = (record: ServiceRecord) => Promise<void>;

export interface Step<T> {
  /** The next record, and what the caller is to be told. The present one if nothing changes. */
  readonly next: ServiceRecord;
  /** What follows from it, once it is stored and in force. */
  readonly effect: () => T | Promise<T>;
  /** Lets go of what was prepared, if the record can't be stored. */
  readonly abandon?: () => void;
}

type MakeStep<T> = (present: ServiceRecord) => Step<T> | Promise<Step<T>>;

export interface RecordKeeperOptions {
  readonly record: ServiceRecord;
  readonly persist: Persist;
  /** The part that other proxies share; undefined: the record is this proxy's alone. */
  readonly shared?: SharedRecord | undefined;
}

/** Where a record is shared. */
export interface SharedRecord {
  readonly copy: SharedCopy;
  /** What was seen there last. */
  readonly version: Version;
  /** The id of this proxy. */
  readonly self: string;
  /** What was counted while the present revision was in force. */
  readonly ledger: () => Ledger;
  /** Carries out what another proxy has changed. */
  readonly follow: (before: ServiceRecord, after: ServiceRecord) => Promise<void>;
}

/**
 * The record in force. Changes are carried out one at a time, each in this order: the next record is made, it is
 * stored, it is in force, its effects are carried out, and the caller is answered. Whatever fails up to the storing
 * leaves everything as it was.
 *
 * Where the record is shared, each change begins with asking the store for the latest, which is adopted if it is not the
 * one in force, so that whatever is answered is true of a moment within the call. Storing then means to replace just
 * that one: if another proxy was quicker, its change is adopted and the step is made again from there. So two proxies
 * never lose a change, and none is carried out on a list that its caller could not have seen.
 */
export class RecordKeeper {
  readonly #persist: Persist;
  readonly #shared: SharedRecord | undefined;
  readonly #inTurn = createSerialQueue();
  #present: ServiceRecord;
  /** What was seen last of the shared part. */
  #version: Version;
  #closed = false;

  constructor({ record, persist, shared }: RecordKeeperOptions) {
    this.#present = record;
    this.#persist = persist;
    this.#shared = shared;
    this.#version = shared?.version ?? UNSEEN;
  }

  get present(): ServiceRecord {
    return this.#present;
  }

  /** The list in force here, which may be one that is tried. */
  get list(): BackendList {
    return this.listOf(this.#present);
  }

  listOf(record: Pick<ServiceRecord, "list" | "trial">): BackendList {
    return listFor(this.#shared?.self ?? "", record);
  }

  /** @throws ProxyError SHUTTING_DOWN, STORE_FAILED, STORE_UNAVAILABLE, and what `make` throws */
  change<T>(make: MakeStep<T>): Promise<T> {
    return this.#inTurn(async () => {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        this.#requireOpen();
        await this.#catchUp();
        const done = await this.#attempt(make);
        if (done) return done.result;
        await sleep(Math.random() * ROUND_PAUSE_MS * round);
      }
      throw new ProxyError(
        "STORE_UNAVAILABLE",
        "others change the list too fast, or the store has begun anew",
      );
    });
  }

  /** For what changes something other than the record. @throws ProxyError SHUTTING_DOWN, and what `task` throws */
  inTurn<T>(task: () => Promise<T>): Promise<T> {
    return this.#inTurn(() => {
      this.#requireOpen();
      return task();
    });
  }

  /** Takes note of something that is this process' own, and that no other proxy needs to know. @throws as `change` */
  note(edit: (present: ServiceRecord) => ServiceRecord): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireOpen();
      const next = edit(this.#present);
      await this.#persist(next);
      this.#present = next;
    });
  }

  /** Makes sure that the present record is the latest. @throws ProxyError STORE_UNAVAILABLE, SHUTTING_DOWN */
  refresh(): Promise<void> {
    return this.#inTurn(() => this.#catchUp());
  }

  /** What another proxy has changed, as the store tells; undefined: the store has lost it, and is given it back. */
  adopt(latest: Latest): Promise<void> {
    return this.#inTurn(() => (this.#closed ? Promise.resolve() : this.#adopt(latest)));
  }

  /** Resolves when no change is under way; those that come then wait until it is told to go on. */
  standStill(): Promise<() => void> {
    return holdTurn(this.#inTurn);
  }

  /** Takes no changes any more. */
  close(): void {
    this.#closed = true;
  }

  /** Undefined: another proxy was quicker. */
  async #attempt<T>(make: MakeStep<T>): Promise<{ readonly result: T } | undefined> {
    const { next, effect, abandon } = await make(this.#present);
    try {
      if (!(await this.#publish(next))) {
        abandon?.();
        return undefined;
      }
      if (next !== this.#present) await this.#persist(next);
    } catch (error) {
      abandon?.();
      throw error;
    }
    this.#present = next;
    return { result: await effect() };
  }

  async #catchUp(): Promise<void> {
    if (this.#shared) await this.#adopt(await this.#shared.copy.latest());
  }

  /** False: another proxy was quicker. */
  async #publish(next: ServiceRecord): Promise<boolean> {
    if (!this.#shared || !differs(this.#present, next)) return true;
    const version = await this.#shared.copy.replace(this.#version, sharedPart(next));
    if (!version) return false;
    this.#version = version;
    return true;
  }

  async #adopt(latest: Latest): Promise<void> {
    if (!this.#shared || !isLater(latest.version, this.#version)) return;
    const before = this.#present;
    const isFirst = this.#version === UNSEEN;
    const { service } = latest;
    if (!service || (service.revision < before.revision && !isFirst)) return this.#giveBack(latest.version);
    const { copy, ledger } = this.#shared;
    const after = isFirst
      ? joinRecord(before, service, await historyOf(copy, service))
      : withShared(before, service, await missedBetween(copy, before, service), ledger());
    this.#version = latest.version;
    await this.#persist(after);
    this.#present = after;
    await this.#shared.follow(before, after);
  }

  /** The store has lost the list, or has an older one: what was acknowledged last is what we have. */
  async #giveBack(seen: Version): Promise<void> {
    const version = await this.#shared?.copy.replace(seen, sharedPart(this.#present));
    if (version) this.#version = version;
  }

  #requireOpen(): void {
    if (this.#closed) throw new ProxyError("SHUTTING_DOWN", "the proxy is stopping and takes no changes");
  }
}
