import { isDeepStrictEqual } from "node:util";
import type { ManagementServers } from "./admin/servers.js";
import type { Config } from "./config/config.js";
import type { ControlPlane } from "./control/control-plane.js";
import type { Upgraded } from "./control/management.js";
import { createSerialQueue } from "./control/serial-queue.js";
import { tellLifeCycle } from "./life-cycle.js";
import { requireFree } from "./free-address.js";
import { overlaps } from "./listen-address.js";
import type { Logger } from "./logger.js";
import type { Remnant } from "./upgrade/remnant.js";
import { Upgrader, type Launch } from "./upgrade/upgrader.js";

export interface ProxyParts {
  readonly config: Config;
  readonly control: ControlPlane;
  readonly management: ManagementServers;
  readonly launch: Launch;
  readonly pid: number;
  readonly version: string;
  readonly logger: Logger;
}

/** How long calls under way have to end once the data path is closed. */
const MANAGEMENT_GRACE_MS = 1_000;

/** A running proxy. */
export class Proxy {
  readonly #parts: ProxyParts;
  readonly #upgrader: Upgrader;
  /** Reloads and upgrades. */
  readonly #inTurn = createSerialQueue();
  #managementClosed: Promise<void> | undefined;
  #onReplaced: () => void = () => undefined;
  /** Resolves when another process has taken over and nothing is open here any more. */
  readonly replaced = new Promise<void>((resolve) => (this.#onReplaced = resolve));

  constructor(parts: ProxyParts) {
    this.#parts = parts;
    const { grpc, http, upgradeTimeoutMs: limitMs } = parts.config;
    const onReplaced = (remnant: Remnant): void => void this.#leave(remnant);
    this.#upgrader = new Upgrader({ ...parts, asked: { grpc, http }, limitMs, onReplaced });
  }

  /**
   * Stops accepting and taking changes, lets open connections end up to the shutdown timeout (management goes on
   * answering meanwhile), then ends the watches and closes management.
   */
  async close(): Promise<void> {
    const { config, control, management, logger } = this.#parts;
    this.#upgrader.cancel();
    tellLifeCycle(
      logger,
      { event: "stopping", graceMs: config.shutdownTimeoutMs },
      "stopping: no new connections",
    );
    management.setServing(false);
    const report = await control.close(config.shutdownTimeoutMs);
    await this.#closeManagement();
    tellLifeCycle(logger, { event: "stopped", ...report }, "stopped");
  }

  /**
   * Follows a changed configuration, as far as its services go.
   * @throws ProxyError; see `ControlPlane.reconfigure`
   */
  reload(next: Config): Promise<void> {
    const { config, control, management, logger } = this.#parts;
    return this.#inTurn(async () => {
      management.reloadCredentials();
      await requireNewFree(next, control);
      await control.reconfigure(next.services);
      tellWhatNeedsRestart(config, next, logger);
      tellLifeCycle(
        logger,
        { event: "reloaded", services: control.serviceNames() },
        "the configuration was read again",
      );
    });
  }

  /** @throws ProxyError; see `Upgrader` */
  upgrade(): Promise<Upgraded> {
    return this.#upgrader.upgrade(this.#inTurn);
  }

  /** Resets every connection; a `close` under way then ends soon. */
  destroy(): void {
    this.#parts.control.destroy();
  }

  /** Another process has taken over: what is open here ends in its own time, up to the limit. */
  async #leave(remnant: Remnant): Promise<void> {
    const { config, control, logger } = this.#parts;
    const cut = setTimeout(() => control.destroy(), config.upgradeDrainLimitMs);
    await Promise.all([this.#closeManagement(), remnant.empty()]);
    clearTimeout(cut);
    const report = await control.close(0);
    tellLifeCycle(logger, { event: "replaced", ...report }, "replaced, and no connection is left");
    this.#onReplaced();
  }

  #closeManagement(): Promise<void> {
    return (this.#managementClosed ??= this.#parts.management.close(MANAGEMENT_GRACE_MS));
  }
}

/** That an address is in use by another program must not be found out when half of the changes have been made. */
async function requireNewFree({ services }: Config, control: ControlPlane): Promise<void> {
  const own = [...control.services.values()].flatMap(({ addresses }) => addresses);
  for (const address of services.flatMap(({ listen }) => listen))
    if (!own.some((each) => overlaps(each, address))) await requireFree(address);
}

/** All but the services is read once. */
function tellWhatNeedsRestart(present: Config, next: Config, logger: Logger): void {
  const keys = (Object.keys(present) as (keyof Config)[]).filter((key) => key !== "services");
  const fields = keys.filter((key) => !isDeepStrictEqual(present[key], next[key]));
  if (fields.length === 0) return;
  logger.warn({ event: "needs-restart", fields }, "these have changed, and need an upgrade or a restart");
}
