import type { InheritedSockets } from "../control/service-core.js";
import { DEFAULT_SERVICE } from "../control/service-name.js";
import type { InheritedSocket, ListenAddress } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import type { PathClaim } from "../unix-path.js";

/** sd_listen_fds(3): the first descriptor that is passed. */
const FIRST_DESCRIPTOR = 3;

/** Management's sockets, under names that no service can have. */
export const MANAGEMENT_OWNERS = { grpc: "@grpc", http: "@http" } as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** The listening sockets that the process was given. Each is given out once. */
export interface GivenSockets {
  /** @param owner a service, or `@grpc` or `@http` @param listen the addresses it is to listen at */
  of(owner: string, listen: readonly ListenAddress[]): InheritedSockets;
  /** Those that nobody has taken. */
  readonly left: readonly LeftSocket[];
}

export interface LeftSocket {
  readonly owner: string;
  readonly descriptor: number;
  /** The file that is to go with it. */
  readonly claim?: PathClaim | undefined;
}

/**
 * Reads the convention of systemd (sd_listen_fds(3)): `LISTEN_PID` is this process, `LISTEN_FDS` the number of sockets,
 * and `LISTEN_FDNAMES` their names, which are those of the services, or `@grpc` and `@http`; several of one name are its
 * addresses in their order. Without names all belong to `default`.
 *
 * @throws ProxyError CONFIG_INVALID
 */
export function readActivation(environment: Environment, pid: number): GivenSockets {
  const left = new Map(namesOf(environment, pid).map((owner, index) => [FIRST_DESCRIPTOR + index, owner]));
  return {
    of(owner, listen) {
      const own = [...left].filter(([, name]) => name === owner).map(([descriptor]) => descriptor);
      const find = (address: ListenAddress): number | undefined => {
        const descriptor = own[listen.indexOf(address)];
        return descriptor !== undefined && left.has(descriptor) ? descriptor : undefined;
      };
      return {
        has: (address) => find(address) !== undefined,
        take(address): InheritedSocket | undefined {
          const descriptor = find(address);
          if (descriptor === undefined) return undefined;
          left.delete(descriptor);
          return { descriptor, ownsPath: false };
        },
      };
    },
    get left() {
      return [...left].map(([descriptor, owner]) => ({ owner, descriptor }));
    },
  };
}

/** The name of each socket that is for this process. */
function namesOf(
  { LISTEN_PID: forPid, LISTEN_FDS: count = "0", LISTEN_FDNAMES: names = "" }: Environment,
  pid: number,
): readonly string[] {
  if (forPid !== String(pid)) return [];
  if (!/^\d{1,3}$/.test(count))
    throw new ProxyError("CONFIG_INVALID", `LISTEN_FDS is '${count}', and must be a number of sockets`);
  const given = names.split(":");
  return Array.from({ length: Number(count) }, (_, index) => given[index] || DEFAULT_SERVICE);
}
