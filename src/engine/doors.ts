import { isDeepStrictEqual } from "node:util";
import { formatAddress } from "../address.js";
import { errnoOf } from "../errno.js";
import { listenError } from "../listen-error.js";
import { adoptPath, claimPath, type PathClaim } from "../unix-path.js";
import type { Endpoint, InheritedSocket, ListenAddress, ListeningSocket } from "./engine.js";

/** What a socket is made of: an address, or a descriptor that is one already. */
export type Binding = Endpoint | { readonly path: string } | { readonly descriptor: number };

/** A listening socket of an engine. */
export interface Door {
  /** Where it is bound to; unknown of a path. */
  readonly bound?: Endpoint;
  readonly descriptor: number;
  /** Stops accepting, and closes it. */
  shut(): void;
}

export interface DoorsOptions {
  /** @throws Error with the errno's name as its code */
  readonly open: (binding: Binding) => Door | Promise<Door>;
  readonly inherited?: ((address: ListenAddress) => InheritedSocket | undefined) | undefined;
}

interface OpenDoor {
  readonly wanted: ListenAddress;
  readonly address: ListenAddress;
  readonly door: Door;
  readonly claim?: PathClaim;
}

/** Whoever may enter the folder may connect, as to a port. */
const PUBLIC_MODE = 0o666;

/** The listening sockets of a listener: where they are, whose they were, and what of them is left behind. */
export class Doors {
  readonly #options: DoorsOptions;
  #open: readonly OpenDoor[] = [];
  #handedOver = false;

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  get addresses(): readonly ListenAddress[] {
    return this.#open.map(({ address }) => address);
  }

  sockets(): readonly ListeningSocket[] {
    return this.#open.map(({ wanted, door: { descriptor }, claim }) => {
      return { address: wanted, descriptor, ownsPath: claim?.isHeld ?? false };
    });
  }

  /** See `Listener.listenAt`. */
  async listenAt(addresses: readonly ListenAddress[]): Promise<void> {
    const opened: OpenDoor[] = [];
    const kept = (wanted: ListenAddress): OpenDoor | undefined =>
      this.#open.find((open) => isDeepStrictEqual(open.wanted, wanted));
    try {
      for (const wanted of addresses) if (!kept(wanted)) opened.push(await this.#openDoor(wanted));
    } catch (error) {
      opened.forEach(shut);
      throw error;
    }
    const before = this.#open;
    const at = (wanted: ListenAddress): OpenDoor | undefined =>
      opened.find((open) => open.wanted === wanted) ?? kept(wanted);
    this.#open = addresses.flatMap((wanted) => at(wanted) ?? []);
    before.filter((open) => !this.#open.includes(open)).forEach(shut);
  }

  /** Those that are there no more because of `handOver` keep their paths. */
  shutAll(): void {
    if (this.#handedOver) return;
    this.#open.forEach(shut);
  }

  handOver(): void {
    this.#handedOver = true;
    for (const { door } of this.#open) door.shut();
  }

  async #openDoor(wanted: ListenAddress): Promise<OpenDoor> {
    const inherited = this.#options.inherited?.(wanted);
    try {
      if (inherited) return await this.#take(wanted, inherited);
      return "path" in wanted ? await this.#openAtPath(wanted) : await this.#openAtEndpoint(wanted);
    } catch (error) {
      throw listenError(nameOf(wanted), error);
    }
  }

  async #take(wanted: ListenAddress, { descriptor, ownsPath }: InheritedSocket): Promise<OpenDoor> {
    const door = await this.#options.open({ descriptor });
    if (!("path" in wanted)) return { wanted, address: door.bound ?? wanted, door };
    const common = { wanted, address: wanted, door };
    return ownsPath ? { ...common, claim: adoptPath(wanted.path) } : common;
  }

  async #openAtPath(wanted: { readonly path: string }): Promise<OpenDoor> {
    let door: Door | undefined;
    const claim = await claimPath(wanted.path, PUBLIC_MODE, async (path) => {
      door = await this.#options.open({ path });
    });
    if (!door) throw new Error("no socket was made");
    return { wanted, address: wanted, door, claim };
  }

  /** Host "" is all interfaces of both families, or of IPv4 where there is no IPv6. */
  async #openAtEndpoint(wanted: Endpoint): Promise<OpenDoor> {
    const { host, port } = wanted;
    try {
      const door = await this.#options.open({ host: host === "" ? "::" : host, port });
      return { wanted, address: door.bound ?? wanted, door };
    } catch (error) {
      const noIpv6 = host === "" && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(errnoOf(error) ?? "");
      if (!noIpv6) throw error;
      const door = await this.#options.open({ host: "0.0.0.0", port });
      return { wanted, address: door.bound ?? wanted, door };
    }
  }
}

function shut({ door, claim }: OpenDoor): void {
  claim?.release();
  door.shut();
}

function nameOf(address: ListenAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.host === "" ? `port ${address.port}` : formatAddress(address);
}
