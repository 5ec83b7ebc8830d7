import { formatAddress, parseAddress, type Address } from "../address.js";
import { ProxyError } from "../errors.js";
import type { BackendRequest } from "./management.js";

/**
 * The list of a service, as pure functions from one list to the next. Each answers the very same list when
 * nothing changes, so that `next === list` tells whether anything did.
 */
export type BackendList = readonly ListedBackend[];

export interface ListedBackend {
  /** Canonical `host:port`; what identifies the backend. */
  readonly id: string;
  readonly address: Address;
  readonly weight: number;
}

/** A request's backend with its address parsed. */
export interface WantedBackend {
  readonly id: string;
  readonly address: Address;
  readonly weight: number | undefined;
}

export const MAX_WEIGHT = 256;
export const MAX_BACKENDS = 1024;

/** @throws ProxyError INVALID_ADDRESS, INVALID_ARGUMENT */
export function parseBackends(requests: readonly BackendRequest[]): readonly WantedBackend[] {
  if (requests.length === 0) {
    throw new ProxyError("INVALID_ARGUMENT", "no backend given: name at least one, as host:port");
  }
  return requests.map((request) => {
    const address = parseAddress(request.address);
    const id = formatAddress(address);
    if (request.weight !== undefined) checkWeight(id, request.weight);
    return { id, address, weight: request.weight };
  });
}

/** Replaces the list. An address given twice counts once, with its weights added. */
export function setBackends(list: BackendList, wanted: readonly WantedBackend[]): BackendList {
  const next = new Map<string, ListedBackend>();
  for (const { id, address, weight = 1 } of wanted) {
    const sum = (next.get(id)?.weight ?? 0) + weight;
    checkWeight(id, sum);
    next.set(id, { id, address, weight: sum });
  }
  const replaced = [...next.values()];
  checkLength(replaced);
  return sameList(list, replaced) ? list : replaced;
}

/** Puts backends at the end; one that is there keeps its place, and its weight unless another is given. */
export function addBackends(list: BackendList, wanted: readonly WantedBackend[]): BackendList {
  const next = new Map(list.map((backend) => [backend.id, backend]));
  for (const { id, address, weight } of wanted) {
    next.set(id, { id, address, weight: weight ?? next.get(id)?.weight ?? 1 });
  }
  const extended = [...next.values()];
  checkLength(extended);
  return sameList(list, extended) ? list : extended;
}

/** Changes weights. @throws ProxyError BACKEND_NOT_FOUND, INVALID_ARGUMENT; then none is changed */
export function weighBackends(list: BackendList, wanted: readonly WantedBackend[]): BackendList {
  requireListed(list, wanted);
  for (const { id, weight } of wanted)
    if (weight === undefined) throw new ProxyError("INVALID_ARGUMENT", `no weight is given for ${id}`);
  return addBackends(list, wanted);
}

/** Takes backends out. @throws ProxyError BACKEND_NOT_FOUND; then none is taken out. */
export function removeBackends(list: BackendList, wanted: readonly WantedBackend[]): BackendList {
  requireListed(list, wanted);
  const leaving = new Set(wanted.map(({ id }) => id));
  return list.filter(({ id }) => !leaving.has(id));
}

function requireListed(list: BackendList, wanted: readonly WantedBackend[]): void {
  const present = new Set(list.map(({ id }) => id));
  for (const { id } of wanted) {
    if (!present.has(id)) {
      throw new ProxyError("BACKEND_NOT_FOUND", `backend '${id}' not found`, { details: { address: id } });
    }
  }
}

/** The backends of one list that are not in the other. */
export function without(list: BackendList, other: BackendList): BackendList {
  const ids = new Set(other.map(({ id }) => id));
  return list.filter(({ id }) => !ids.has(id));
}

function checkWeight(id: string, weight: number): void {
  if (Number.isInteger(weight) && weight >= 1 && weight <= MAX_WEIGHT) return;
  throw new ProxyError(
    "INVALID_ARGUMENT",
    `the weight ${weight} of ${id} is not between 1 and ${MAX_WEIGHT}`,
  );
}

function checkLength(list: BackendList): void {
  if (list.length <= MAX_BACKENDS) return;
  throw new ProxyError("LIMIT_EXCEEDED", `${list.length} backends: a service has at most ${MAX_BACKENDS}`);
}

/** As a person would write it. */
export function formatBackend({ id, weight }: Pick<ListedBackend, "id" | "weight">): string {
  return weight === 1 ? id : `${id}=${weight}`;
}

export function sameList(a: BackendList, b: BackendList): boolean {
  return a.length === b.length && a.every(({ id, weight }, i) => b[i]?.id === id && b[i].weight === weight);
}
