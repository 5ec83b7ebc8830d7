import type { BackendSpec, DrainOptions, WatchPosition as ProtoWatchPosition } from "@seamless/proto";
import type { Author } from "../control/history.js";
import type { BackendRequest, ChangeOptions } from "../control/management.js";
import type { WatchPosition } from "../control/service-state.js";
import { fromProtoDrain } from "./drain-proto.js";

export function fromProtoBackends(specs: readonly BackendSpec[]): readonly BackendRequest[] {
  return specs.map(({ address, weight }) => (weight === undefined ? { address } : { address, weight }));
}

interface ProtoChange {
  readonly expectedRevision?: bigint | undefined;
  readonly drain?: DrainOptions | undefined;
}

export function fromProtoCondition({ expectedRevision }: ProtoChange): ChangeOptions {
  return expectedRevision === undefined ? {} : { expectedRevision: toCount(expectedRevision) };
}

export function fromProtoChange(change: ProtoChange, { actor, from }: Author): ChangeOptions {
  return { ...fromProtoCondition(change), actor, from, drain: fromProtoDrain(change.drain) };
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
export function toCount(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}
