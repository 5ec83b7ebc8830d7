import type { BackendSpec, WatchPosition as ProtoWatchPosition } from "@seamless/proto";
import type { BackendRequest, ChangeOptions } from "../control/management.js";
import type { WatchPosition } from "../control/service-state.js";

export function fromProtoBackends(specs: readonly BackendSpec[]): readonly BackendRequest[] {
  return specs.map(({ address, weight }) => (weight === undefined ? { address } : { address, weight }));
}

export function fromProtoCondition({
  expectedRevision,
}: {
  expectedRevision?: bigint | undefined;
}): ChangeOptions {
  return expectedRevision === undefined ? {} : { expectedRevision: toCount(expectedRevision) };
}

export function fromProtoPosition(after: ProtoWatchPosition | undefined): WatchPosition | undefined {
  if (!after) return undefined;
  return {
    revision: toCount(after.revision),
    sequence: toCount(after.sequence),
    instanceId: after.instanceId,
  };
}

/** Revisions never come near 2^53; what is larger than that is none of ours, whatever its lower digits. */
function toCount(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
