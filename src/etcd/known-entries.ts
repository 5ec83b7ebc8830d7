import { createHash } from "node:crypto";
import type { Entry, EtcdEvent } from "./etcd-client.js";

interface Known {
  readonly modRevision: bigint;
  readonly digest: string;
}

/** What a follower has been told there is: enough to recognize it again, without its values. */
export class KnownEntries {
  #byKey = new Map<string, Known>();

  replace(entries: readonly Entry[]): void {
    this.#byKey = new Map(entries.map((entry) => [entry.key, know(entry)]));
  }

  apply(events: readonly EtcdEvent[]): void {
    for (const event of events) {
      if (event.type === "put") this.#byKey.set(event.entry.key, know(event.entry));
      else this.#byKey.delete(event.key);
    }
  }

  /** Whether these are the same keys, each written last at the same revision; values are not looked at. */
  hasKeys(entries: readonly Entry[]): boolean {
    if (entries.length !== this.#byKey.size) return false;
    return entries.every(({ key, modRevision }) => this.#byKey.get(key)?.modRevision === modRevision);
  }

  /** The key that was written last of all. */
  newest(): string | undefined {
    let newest: readonly [key: string, known: Known] | undefined;
    for (const one of this.#byKey) if (!newest || one[1].modRevision > newest[1].modRevision) newest = one;
    return newest?.[0];
  }

  has(entry: Entry): boolean {
    const known = this.#byKey.get(entry.key);
    return known?.modRevision === entry.modRevision && known.digest === digest(entry);
  }
}

function know(entry: Entry): Known {
  return { modRevision: entry.modRevision, digest: digest(entry) };
}

function digest({ value }: Entry): string {
  return createHash("sha256").update(value).digest("base64");
}
