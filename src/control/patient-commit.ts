import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { ProxyError } from "../errors.js";
import { sameList } from "./backend-list.js";
import type { DeployCommit, DeployHost } from "./deploy.js";

export interface PatientCommitOptions extends Pick<DeployHost, "present" | "commit"> {
  /** Makes sure that what is present is the latest. @throws ProxyError STORE_UNAVAILABLE */
  readonly refresh: () => Promise<void>;
  readonly patienceMs?: number;
}

const PATIENCE_MS = 30_000;
const PAUSE_MS = 250;

/**
 * A deploy's change of a list that is shared: a store that is away for a while, as while it elects, is waited for, and a
 * change whose answer was lost is looked for before it is made again. Its revision tells: made twice it can't be.
 * @throws ProxyError as `commit`; STORE_UNAVAILABLE has details.outcome `unknown` if it may have been made all the same
 */
export function createPatientCommit(options: PatientCommitOptions): DeployHost["commit"] {
  const { patienceMs = PATIENCE_MS, present } = options;
  return async (change) => {
    const until = Date.now() + patienceMs;
    for (let lost: ProxyError | undefined; ;) {
      const tried = await attempt(options, change, lost !== undefined);
      if ("revision" in tried) return tried.revision;
      lost = isOutcomeUnknown(tried.error) ? tried.error : lost;
      if (Date.now() > until) throw lost ?? tried.error;
      await sleep(PAUSE_MS);
      if (lost && (await isReached(options)) && isMade(change, present())) return present().revision;
    }
  };
}

/**
 * @param mayBeMade an attempt before it may have been carried out
 * @returns the error of a store that is away
 */
async function attempt(
  { commit, present }: PatientCommitOptions,
  change: DeployCommit,
  mayBeMade: boolean,
): Promise<{ readonly revision: number } | { readonly error: ProxyError }> {
  try {
    return { revision: await commit(change) };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    if (error.code === "STORE_UNAVAILABLE") return { error };
    if (mayBeMade && error.code === "REVISION_MISMATCH" && isMade(change, present()))
      return { revision: present().revision };
    throw error;
  }
}

const isOutcomeUnknown = ({ details }: ProxyError): boolean => details["outcome"] === "unknown";

const isReached = ({ refresh }: PatientCommitOptions): Promise<boolean> =>
  refresh().then(
    () => true,
    () => false,
  );

function isMade(
  { list, trial, expectedRevision }: DeployCommit,
  present: ReturnType<DeployHost["present"]>,
): boolean {
  const isNext = present.revision === (expectedRevision ?? 0) + 1;
  return isNext && sameList(present.list, list) && isDeepStrictEqual(present.trial, trial);
}
