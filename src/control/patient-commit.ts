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
  const { present, commit, refresh, patienceMs = PATIENCE_MS } = options;
  return async (change) => {
    const until = Date.now() + patienceMs;
    let lost: ProxyError | undefined;
    for (;;) {
      try {
        return await commit(change);
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
        if (lost && error.code === "REVISION_MISMATCH" && isMade(change, present()))
          return present().revision;
        if (error.code !== "STORE_UNAVAILABLE") throw error;
        if (error.details["outcome"] === "unknown") lost = error;
        if (Date.now() > until) throw lost ?? error;
      }
      await sleep(PAUSE_MS);
      const isKnown = await refresh().then(
        () => true,
        () => false,
      );
      if (lost && isKnown && isMade(change, present())) return present().revision;
    }
  };
}

function isMade(
  { list, trial, expectedRevision }: DeployCommit,
  present: ReturnType<DeployHost["present"]>,
): boolean {
  const isNext = present.revision === (expectedRevision ?? 0) + 1;
  return isNext && sameList(present.list, list) && isDeepStrictEqual(present.trial, trial);
}
