import { randomUUID } from "node:crypto";
import { ProxyError } from "../errors.js";
import { without, type BackendList } from "./backend-list.js";
import type { BackendResolution } from "./backend-resolution.js";
import { Deploy, type DeployHost } from "./deploy.js";
import { hostOfFleet, hostOfOne, type FleetDeploy, type OneProxy } from "./deploy-hosts.js";
import { planDeploy, type DeployPlan } from "./deploy-plan.js";
import type { DeployStatus } from "./deploy-status.js";
import type { HealthCheck } from "./health-check.js";
import { createLatestFeed } from "./latest-feed.js";
import { requireRevision } from "./list-changer.js";
import type { DeployRequest, StartedDeploy, Watch } from "./management.js";

export interface DeployDeskOptions {
  readonly service: string;
  readonly host: OneProxy;
  /** Of the proxies that share the list; undefined: this one is alone. */
  readonly fleet: Pick<FleetDeploy, "fleet" | "limitDrains"> | undefined;
  readonly resolution: BackendResolution;
  readonly resolveWaitMs: number;
  readonly onPhase: (status: DeployStatus) => void;
}

/** The deploys of a service: at most one at a time, and the last one is remembered. */
export class DeployDesk {
  readonly #options: DeployDeskOptions;
  readonly #feed = createLatestFeed<DeployStatus>();
  #starting = false;
  #deploy: Deploy | undefined;
  #closing = false;

  constructor(options: DeployDeskOptions) {
    this.#options = options;
  }

  /** Of the deploy under way, or else of the last one. */
  get status(): DeployStatus | undefined {
    return this.#deploy?.status;
  }

  get isFree(): boolean {
    return !this.#starting && (this.#deploy?.over ?? true);
  }

  /** @throws ProxyError DEPLOY_IN_PROGRESS, REVISION_MISMATCH, INVALID_ADDRESS, INVALID_ARGUMENT, FORBIDDEN_BACKEND */
  async start(request: DeployRequest, ofService: HealthCheck | undefined): Promise<StartedDeploy> {
    const plan = planDeploy(request, ofService);
    this.#requireFree();
    this.#starting = true;
    try {
      return await this.#begin(plan);
    } finally {
      this.#starting = false;
    }
  }

  /** @throws ProxyError DEPLOY_NOT_FOUND */
  watch(send: (status: DeployStatus) => boolean): Watch {
    if (this.#deploy) return this.#feed.watch(this.#deploy.status, send);
    throw new ProxyError(
      "DEPLOY_NOT_FOUND",
      "there has been no deploy of this service since the proxy started",
    );
  }

  /** The proxy stops: a deploy that has not switched is cancelled, one that has is not baked any longer. */
  close(): void {
    this.#closing = true;
    this.#deploy?.stop("the proxy is stopping");
  }

  async #begin(plan: DeployPlan): Promise<StartedDeploy> {
    const { host, resolution, resolveWaitMs, onPhase, fleet } = this.#options;
    const { list, revision } = host.present();
    requireRevision(plan.expectedRevision, revision);
    if (plan.fleet && !fleet) throw noFleet();
    const [id, candidates] = [randomUUID(), without(plan.backends, list)];
    await resolution.admit(candidates, resolveWaitMs);
    const withdraw = await this.#announce(id, plan, candidates).catch((error: unknown) => {
      resolution.release(candidates);
      throw error;
    });
    const onStatus = (status: DeployStatus, phaseChanged: boolean): void => {
      this.#feed.publish(status);
      if (phaseChanged) onPhase(status);
    };
    const deploy = new Deploy(id, this.#hostOf(id, plan), onStatus, plan);
    this.#deploy = deploy;
    if (this.#closing) deploy.stop("the proxy is stopping");
    onPhase(deploy.status);
    void deploy.run().finally(() => {
      resolution.release(candidates);
      withdraw();
    });
    return {
      watch: (send) => this.#feed.watch(deploy.status, send),
      callerLeft: () => deploy.callerLeft(),
    };
  }

  /** The others must know of it, so that they begin none of their own, and undo a canary whose proxy has gone. */
  async #announce(id: string, plan: DeployPlan, candidates: BackendList): Promise<() => void> {
    const { service, host, fleet: shared } = this.#options;
    if (!shared) return () => undefined;
    const leaving = without(host.present().list, plan.backends).map((backend) => backend.id);
    const { candidateCheck: check, fleet } = plan;
    const note = { id, coordinator: shared.fleet.self, fleet, check, candidates, leaving };
    return shared.fleet.announce(service, note);
  }

  #hostOf(id: string, { fleet: ofFleet, quorum }: DeployPlan): DeployHost {
    const { service, host, fleet } = this.#options;
    return fleet && ofFleet ? hostOfFleet(host, { ...fleet, id, service, quorum }) : hostOfOne(host);
  }

  #requireFree(): void {
    if (this.isFree) return;
    const details = { deploy: this.#deploy?.status.id ?? "" };
    throw new ProxyError("DEPLOY_IN_PROGRESS", "another deploy of this service is under way", { details });
  }
}

/** There is just one proxy that knows these lists. */
export const noFleet = (): ProxyError =>
  new ProxyError(
    "NO_FLEET",
    "the lists are this proxy's alone: a fleet needs a shared store (--store etcd://...)",
  );
