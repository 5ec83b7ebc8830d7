import type { ServiceRecord } from "../control/service-record.js";

/** Where the records of all services live. */
export interface Store {
  readonly kind: "memory" | "file";
  /** @throws ProxyError STORE_FAILED; then what was saved before is still what is saved */
  save(services: readonly ServiceRecord[]): Promise<void>;
}

/** Nothing outlives the process. */
export const memoryStore: Store = { kind: "memory", save: () => Promise.resolve() };
