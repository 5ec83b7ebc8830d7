import type { DeployNote } from "../control/fleet.js";
import { ProxyError } from "../errors.js";
import type { EtcdClient, HeldLease } from "../etcd/etcd-client.js";
import type { Logger } from "../logger.js";
import type { Keys } from "./keys.js";
import { decodeNote, encodeNote } from "./member-codec.js";
import { storeError } from "./store-error.js";

export interface DeployNotesOptions {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly lease: () => HeldLease;
  /** What people call a proxy. */
  readonly nameOf: (id: string) => string;
  readonly logger: Logger;
}

interface Own {
  readonly note: DeployNote;
  /** A write is under way. */
  busy: boolean;
  withdrawn: boolean;
}

/**
 * The deploys that are announced in the store, one at a time for each service, this proxy's own and those of others. An
 * own one whose lease was lost is announced again under the next, unless another proxy has begun one meanwhile; one that
 * is over is withdrawn as soon as the store can be reached.
 */
export class DeployNotes {
  readonly #options: DeployNotesOptions;
  readonly #own = new Map<string, Own>();
  readonly #known = new Map<string, DeployNote>();

  constructor(options: DeployNotesOptions) {
    this.#options = options;
  }

  of(service: string): DeployNote | undefined {
    return this.#known.get(service);
  }

  /** @throws ProxyError DEPLOY_IN_PROGRESS, STORE_UNAVAILABLE */
  async announce(service: string, note: DeployNote): Promise<() => void> {
    await this.#write(service, note);
    const own = { note, busy: false, withdrawn: false };
    this.#own.set(service, own);
    this.#known.set(service, note);
    return () => {
      own.withdrawn = true;
      this.settle();
    };
  }

  /** What the store says; undefined: there is none. */
  learn(service: string, text: string | undefined): void {
    if (text === undefined) this.#known.delete(service);
    else this.#known.set(service, decodeNote(text));
  }

  /** The store has none for any other services. */
  forgetOthers(services: ReadonlySet<string>): void {
    for (const service of [...this.#known.keys()]) if (!services.has(service)) this.#known.delete(service);
  }

  /** Makes the store say what this proxy has announced and withdrawn. */
  settle(): void {
    for (const [service, own] of this.#own) {
      const isThere = this.#known.get(service)?.id === own.note.id;
      if (own.busy || (isThere && !own.withdrawn)) continue;
      if (!isThere && own.withdrawn) this.#own.delete(service);
      else void this.#bring(service, own);
    }
  }

  async #bring(service: string, own: Own): Promise<void> {
    own.busy = true;
    try {
      if (own.withdrawn) await this.#erase(service, own.note);
      else await this.#write(service, own.note);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn({ event: "fleet", what: "announce", reason }, "could not be done now");
    } finally {
      own.busy = false;
    }
  }

  async #write(service: string, note: DeployNote): Promise<void> {
    const { client, keys, lease, nameOf } = this.#options;
    const { id } = lease();
    if (id === undefined)
      throw new ProxyError("STORE_UNAVAILABLE", "this proxy holds no lease of the store now: try again");
    const key = keys.deploy(service);
    const put = { put: key, value: encodeNote(note), lease: id };
    const other = await client
      .commit([{ key, modRevision: 0n }], [put])
      .then((commit) => (commit.done ? note : commit.entries[0] && decodeNote(commit.entries[0].value)))
      .catch((error: unknown) => {
        throw storeError(error);
      });
    if (other?.id === note.id) return;
    const who = other ? `, carried out by ${nameOf(other.coordinator)}` : "";
    throw new ProxyError(
      "DEPLOY_IN_PROGRESS",
      `another deploy of this service is under way in the fleet${who}`,
      { details: { deploy: other?.id ?? "" } },
    );
  }

  async #erase(service: string, note: DeployNote): Promise<void> {
    const { client, keys } = this.#options;
    const key = keys.deploy(service);
    const [entry] = (await client.read({ key })).entries;
    if (!entry || decodeNote(entry.value).id !== note.id) return;
    await client.commit([{ key, modRevision: entry.modRevision }], [{ delete: key }]);
  }
}
