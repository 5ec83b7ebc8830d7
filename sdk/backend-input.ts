import type { BackendSpec } from "@seamless/proto";
import { invalidOption, requireText, requireUint32, show } from "./options.js";

/**
 * A backend to set or add: its address `host:port` (host name, IPv4, or `[IPv6]`), or that and its weight, its
 * share of new connections relative to the others, 1 to 256. Default weight: 1 for a new backend, unchanged for
 * one that is there.
 */
export type BackendInput = string | { readonly address: string; readonly weight?: number };

/**
 * Checks only what can't be sent: whether addresses and weights are right is for the proxy to say.
 * @throws SeamlessError INVALID_OPTIONS
 */
export function toBackendSpecs(backends: readonly BackendInput[], method: string): BackendSpec[] {
  return requireList("backends", backends, method).map((backend) => {
    if (typeof backend !== "object" || backend === null) {
      return { address: requireText("a backend", backend, method) };
    }
    const { address, weight } = backend as { address?: unknown; weight?: unknown };
    return {
      address: requireText("a backend's address", address, method),
      weight: weight === undefined ? undefined : requireUint32("a backend's weight", weight, method),
    };
  });
}

/** @throws SeamlessError INVALID_OPTIONS */
export function toAddresses(addresses: readonly string[], method: string): string[] {
  return requireList("addresses", addresses, method).map((address) =>
    requireText("an address", address, method),
  );
}

/** A single address without its brackets would be taken for a list of letters. */
function requireList(argument: string, value: unknown, method: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw invalidOption(`${argument} must be an array, not ${show(value)}`, method);
}
