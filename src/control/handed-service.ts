import type { Drain } from "./drain.js";
import type { Health } from "./health.js";
import type { Ledger } from "./ledger.js";

/** What a service's next process needs beside its record, so that nothing begins anew. Plain data. */
export interface HandedService {
  /** Those under way. */
  readonly drains: readonly Drain[];
  /** What checks have found, by backend. */
  readonly health: Readonly<Record<string, Health>>;
  /** What had been counted when the present revision came into force. */
  readonly ledgerBefore: Ledger;
}
