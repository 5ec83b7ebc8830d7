import assert from "node:assert/strict";
import type { DeployStatus, DeployVerdict } from "../deploy-status.js";
import type { DeployRequest, StartedDeploy } from "../management.js";
import type { Started } from "./service-fixture.js";

/** A deploy under way, and all that its caller has heard of it. */
export interface Followed {
  readonly started: StartedDeploy;
  readonly statuses: DeployStatus[];
  readonly until: (fits: (status: DeployStatus) => boolean) => Promise<DeployStatus>;
  readonly verdict: Promise<DeployVerdict>;
}

export async function followDeploy({ service }: Started, request: DeployRequest): Promise<Followed> {
  const started = await service.deploy(request);
  const statuses: DeployStatus[] = [];
  const waiting: (() => void)[] = [];
  started.watch((status) => {
    statuses.push(status);
    for (const look of [...waiting]) look();
    return true;
  });
  const until: Followed["until"] = (fits) =>
    new Promise((resolve) => {
      const look = (): void => {
        const found = statuses.find(fits);
        if (found) resolve(found);
      };
      waiting.push(look);
      look();
    });
  const verdict = until(({ verdict: known }) => known !== undefined).then(({ verdict: known }) => {
    assert.ok(known);
    return known;
  });
  return { started, statuses, until, verdict };
}
