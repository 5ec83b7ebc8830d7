import type { ChildProcess } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import type { ManagementServers } from "../admin/servers.js";
import type { ControlPlane } from "../control/control-plane.js";
import type { Upgraded } from "../control/management.js";
import type { SerialQueue } from "../control/serial-queue.js";
import type { ListenAddress } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { formatListenAddress } from "../listen-address.js";
import { tellLifeCycle } from "../life-cycle.js";
import type { Logger } from "../logger.js";
import { MANAGEMENT_OWNERS } from "../supervisor/activation.js";
import { PROTOCOL, type HandedSocket, type HandOver } from "./messages.js";
import { Remnant, reportOf, type Remaining } from "./remnant.js";
import { Successor } from "./successor.js";

/** Starts the program anew with an IPC channel, and these descriptors under their own numbers. */
export type Launch = (descriptors: readonly number[]) => ChildProcess;

export interface UpgraderOptions {
  readonly control: ControlPlane;
  readonly management: ManagementServers;
  /** Where management was to listen. */
  readonly asked: { readonly grpc: ListenAddress; readonly http: ListenAddress | undefined };
  readonly launch: Launch;
  readonly pid: number;
  readonly version: string;
  readonly logger: Logger;
  /** From the start of the new process until it serves. */
  readonly limitMs: number;
  /** Another process is in our place; what is left here is connections. */
  readonly onReplaced: (remnant: Remnant) => void;
}

const INIT = 1;

/** Puts another process in our place; `messages.ts` has the order in which things happen. One at a time, and once. */
export class Upgrader {
  readonly #options: UpgraderOptions;
  #successor: Successor | undefined;
  #state: "idle" | "upgrading" | "replaced" = "idle";

  constructor(options: UpgraderOptions) {
    this.#options = options;
  }

  /**
   * @param inTurn with what must not happen meanwhile
   * @throws ProxyError UPGRADE_FAILED, UPGRADE_IN_PROGRESS, DEPLOY_IN_PROGRESS; then everything is as before
   */
  async upgrade(inTurn: SerialQueue): Promise<Upgraded> {
    this.#requireIdle();
    const { logger, pid } = this.#options;
    if (pid === INIT)
      throw new ProxyError("UPGRADE_FAILED", "this is process 1, whose end would be that of its container");
    this.#state = "upgrading";
    try {
      const upgraded = await inTurn(() => this.#replace());
      this.#state = "replaced";
      const { pid: successor, version } = upgraded;
      tellLifeCycle(logger, { event: "upgraded", successor, version }, "another process has taken over");
      return upgraded;
    } catch (error) {
      this.#state = "idle";
      if (!(error instanceof ProxyError)) throw error;
      logger.error({ event: "upgrade-failed", reason: error.message }, "no other process has taken over");
      throw error;
    }
  }

  /** If one is under way, it has failed. */
  cancel(): void {
    this.#successor?.fail("it was told to stop");
  }

  async #replace(): Promise<Upgraded> {
    const { control, launch, limitMs } = this.#options;
    // Told at once, and not after the new process has been started in vain.
    (await control.standStill())();
    const sockets = this.#sockets();
    const successor = (this.#successor = new Successor(
      launch(sockets.map(({ descriptor }) => descriptor)),
      limitMs,
    ));
    let goOn: Promise<() => void> | undefined;
    try {
      const { version } = await successor.says("loaded");
      goOn = control.standStill();
      await Promise.race([goOn, successor.ended]);
      if (!isDeepStrictEqual(sockets, this.#sockets()))
        throw new ProxyError("UPGRADE_FAILED", "services came or went meanwhile: try again");
      successor.channel.send(await this.#handOver(sockets));
      await successor.says("serving");
      this.#leave(successor);
      (await goOn)();
      return { pid: successor.pid, version };
    } catch (error) {
      await successor.kill();
      goOn?.then(
        (resume) => resume(),
        () => undefined,
      );
      throw error;
    }
  }

  /** There is no way back from here. */
  #leave({ channel }: Successor): void {
    const { control, management, onReplaced } = this.#options;
    const services = new Map<string, Remaining>();
    for (const [name, service] of control.services)
      services.set(name, {
        listener: service.listener,
        targets: targetsOf(service.state()),
        followEmptied: (call) => service.followEmptied(call),
      });
    control.handOver();
    management.handOver();
    channel.send({ type: "yours" });
    const openConnections = (): number => control.proxyInfo().openConnections;
    onReplaced(new Remnant({ channel, services, openConnections }));
  }

  async #handOver(sockets: readonly HandedSocket[]): Promise<HandOver> {
    const { control, pid, version } = this.#options;
    const { encodeState } = await import("../store/state-file.js");
    const services = [...control.services].map(([name, service]) => {
      const report = reportOf(service.listener, targetsOf(service.state()));
      return [name, { ...service.handed(), ...report }] as const;
    });
    return {
      type: "state",
      protocol: PROTOCOL,
      pid,
      version,
      state: encodeState({ generation: 0, services: control.records }),
      services: Object.fromEntries(services),
      fleetId: control.fleetId,
      sockets,
    };
  }

  #sockets(): readonly HandedSocket[] {
    const { control, management, asked } = this.#options;
    const services = [...control.services].flatMap(([owner, { listener }]) =>
      listener.sockets().map(({ address, ...socket }) => {
        return { owner, address: formatListenAddress(address), ...socket };
      }),
    );
    const parts = (["grpc", "http"] as const).flatMap((part) => {
      const [address, socket] = [asked[part], management.sockets[part]];
      if (!address || !socket) return [];
      return { owner: MANAGEMENT_OWNERS[part], address: formatListenAddress(address), ...socket };
    });
    return [...services, ...parts];
  }

  #requireIdle(): void {
    if (this.#state === "idle") return;
    const why =
      this.#state === "upgrading"
        ? "an upgrade is under way already"
        : "this process has been replaced, and only lets its connections end";
    this.#options.logger.warn({ event: "upgrade-refused", reason: why }, "no other process was started");
    throw new ProxyError("UPGRADE_IN_PROGRESS", why);
  }
}

function targetsOf({
  backends,
}: {
  readonly backends: readonly { readonly address: string }[];
}): readonly string[] {
  return backends.map(({ address }) => address);
}
