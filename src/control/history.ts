import { ProxyError } from "../errors.js";
import { sameList, type BackendList } from "./backend-list.js";
import type { Ledger } from "./ledger.js";

/** The last changes of a list, the oldest first, as pure functions. */
export type History = readonly HistoryEntry[];

/** Who asks for a change. */
export interface Author {
  /** The name that was verified, or what the caller says of himself. */
  readonly actor: string;
  /** The address he called from; "" if nobody called. */
  readonly from: string;
}

export interface HistoryEntry extends Author {
  readonly revision: number;
  readonly atUnixMs: number;
  readonly verb: ChangeVerb;
  readonly list: BackendList;
  /** What became of the connections that ended while the revision was in force; undefined while it is. */
  readonly ledger?: Ledger;
}

export function authorOf({
  actor = "",
  from = "",
}: { readonly [Key in keyof Author]?: Author[Key] | undefined }): Author {
  return { actor, from };
}

export const CHANGE_VERBS = [
  "start",
  "set",
  "add",
  "remove",
  "weight",
  "undrain",
  "deploy",
  "canary",
  "return",
  "rollback",
] as const;
export type ChangeVerb = (typeof CHANGE_VERBS)[number];

export const MAX_HISTORY = 100;

/** @param ledger of the revision that was in force until now */
export function recordChange(history: History, entry: HistoryEntry, ledger: Ledger): History {
  const last = history.at(-1);
  const closed = last ? [...history.slice(0, -1), { ...last, ledger }] : [];
  return [...closed, entry].slice(-MAX_HISTORY);
}

/**
 * The list to roll back to: that of a revision, or the last one that is not `present`. A canary's mixed lists were
 * nobody's choice, and are passed over unless they are asked for.
 * @throws ProxyError REVISION_NOT_FOUND
 */
export function listToRollBackTo(
  history: History,
  present: BackendList,
  revision: number | undefined,
): BackendList {
  const entry =
    revision === undefined
      ? history.findLast(({ list, verb }) => verb !== "canary" && !sameList(list, present))
      : history.find((candidate) => candidate.revision === revision);
  if (entry && entry.list.length > 0) return entry.list;
  throw new ProxyError("REVISION_NOT_FOUND", explain(history, revision, entry));
}

function explain(history: History, revision: number | undefined, entry: HistoryEntry | undefined): string {
  const range = `the history has revisions ${history[0]?.revision ?? 0} to ${history.at(-1)?.revision ?? 0}`;
  if (entry)
    return `the list of revision ${entry.revision} was empty; remove backends to empty the list; ${range}`;
  return revision === undefined
    ? `there is no other list to return to; ${range}`
    : `revision ${revision} is not known; ${range}`;
}
