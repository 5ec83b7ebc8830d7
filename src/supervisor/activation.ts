import { DEFAULT_SERVICE } from "../control/service-name.js";
import { ProxyError } from "../errors.js";

/** sd_listen_fds(3): the first descriptor that is passed. */
const FIRST_DESCRIPTOR = 3;

type Environment = Readonly<Record<string, string | undefined>>;

/** The listening sockets that the process was given, by the names of services. */
export interface Activation {
  /** Each is given out once. */
  take(service: string, place: number): number | undefined;
  /** Names of sockets that nobody has taken. */
  readonly left: readonly string[];
}

/**
 * Reads the convention of systemd (sd_listen_fds(3)): `LISTEN_PID` is this process, `LISTEN_FDS` the number of sockets,
 * and `LISTEN_FDNAMES` their names, which are those of the services; several of one name are its addresses in their order.
 * Without names all belong to `default`.
 *
 * @throws ProxyError CONFIG_INVALID
 */
export function readActivation(environment: Environment, pid: number): Activation {
  const left = new Map<string, (number | undefined)[]>();
  namesOf(environment, pid).forEach((name, index) => {
    left.set(name, [...(left.get(name) ?? []), FIRST_DESCRIPTOR + index]);
  });
  return {
    take(service, place) {
      const descriptors = left.get(service) ?? [];
      const descriptor = descriptors[place];
      if (descriptor !== undefined) left.set(service, descriptors.with(place, undefined));
      return descriptor;
    },
    get left() {
      return [...left].flatMap(([name, descriptors]) =>
        descriptors.filter((descriptor) => descriptor !== undefined).map(() => name),
      );
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
