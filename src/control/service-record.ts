import type { ListenAddress } from "../engine/engine.js";
import type { BackendList } from "./backend-list.js";
import { NO_LIMITS, type DrainLimits } from "./drain.js";
import type { HealthCheck } from "./health-check.js";
import { recordChange, type Author, type ChangeVerb, type History } from "./history.js";
import type { Ledger } from "./ledger.js";
import type { ServiceSettings } from "./service-settings.js";

/** Where clients connect, and how they are served. */
export interface ServiceDefinition {
  readonly listen: readonly ListenAddress[];
  readonly settings: ServiceSettings;
}

/** All of a service that outlives the process, if there is a store. Immutable: each change is a new record. */
export interface ServiceRecord {
  readonly name: string;
  /** Of a service that was created by a request; the others' is in the configuration. */
  readonly definition: ServiceDefinition | undefined;
  /** Names the history that revisions and sequences belong to. */
  readonly instanceId: string;
  readonly revision: number;
  /** Sequences of this process are above it; see `SEQUENCES_PER_START`. */
  readonly sequenceBase: number;
  readonly list: BackendList;
  readonly healthCheck: HealthCheck | undefined;
  readonly pause: PauseRecord | undefined;
  readonly history: History;
  /** Drains that were under way. */
  readonly drains: readonly DrainRecord[];
  /** How the connections of backends that left with this revision are to end. */
  readonly drainLimits: DrainLimits;
  /** Another list that some proxies of the fleet go by, to try it. */
  readonly trial: Trial | undefined;
  /** The list to go back to if the process ends in the middle of a canary. */
  readonly returnTo: BackendList | undefined;
}

export interface Trial {
  /** The ids of those proxies. */
  readonly proxies: readonly string[];
  readonly list: BackendList;
}

/** The list that a proxy goes by. */
export function listFor(proxy: string, { list, trial }: Pick<ServiceRecord, "list" | "trial">): BackendList {
  return trial?.proxies.includes(proxy) ? trial.list : list;
}

export interface PauseRecord {
  readonly startedUnixMs: number;
  readonly holdLimitMs: number;
  readonly maxHeld: number;
}

export interface DrainRecord {
  readonly id: string;
  readonly weight: number;
  readonly startedUnixMs: number;
  /** Connections that were open when it was noted; they end with the process. */
  readonly open: number;
}

/** What a process may count up without storing it: more states than it can ever send. */
export const SEQUENCES_PER_START = 2 ** 32;

/** A change of the list, and how it came about. */
export interface ListChange extends Author {
  readonly list: BackendList;
  readonly verb: ChangeVerb;
  readonly atUnixMs: number;
  /** What became of connections in the revision that ends now. */
  readonly ledger: Ledger;
  readonly drains: readonly DrainRecord[];
  readonly drainLimits: DrainLimits;
  readonly trial: Trial | undefined;
}

export function newRecord(
  fields: Pick<ServiceRecord, "name" | "instanceId" | "healthCheck" | "definition">,
  list: BackendList,
  atUnixMs: number,
): ServiceRecord {
  const start = { revision: 1, atUnixMs, verb: "start", actor: "command line", from: "", list } as const;
  return {
    ...fields,
    revision: 1,
    sequenceBase: 0,
    list,
    pause: undefined,
    history: [start],
    drains: [],
    drainLimits: NO_LIMITS,
    trial: undefined,
    returnTo: undefined,
  };
}

export function withList(record: ServiceRecord, change: ListChange): ServiceRecord {
  const { list, verb, actor, from, atUnixMs, ledger, drains, drainLimits, trial } = change;
  const revision = record.revision + 1;
  return {
    ...record,
    revision,
    list,
    drains,
    drainLimits,
    trial,
    history: recordChange(record.history, { revision, atUnixMs, verb, actor, from, list }, ledger),
    returnTo: verb === "canary" ? (record.returnTo ?? record.list) : undefined,
  };
}

/** As a new process takes it over. */
export function nextSequences(record: ServiceRecord): ServiceRecord {
  return { ...record, sequenceBase: record.sequenceBase + SEQUENCES_PER_START };
}

/** The same, and a canary that was cut short is undone. */
export function resumeRecord(record: ServiceRecord, atUnixMs: number, noLedger: Ledger): ServiceRecord {
  const resumed = nextSequences(record);
  if (!record.returnTo) return resumed;
  const change = {
    verb: "return",
    actor: "restart",
    from: "",
    atUnixMs,
    ledger: noLedger,
    drains: [],
    drainLimits: NO_LIMITS,
    trial: undefined,
  } as const;
  return withList(resumed, { ...change, list: record.returnTo });
}
