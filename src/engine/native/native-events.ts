import { getSystemErrorName } from "node:util";
import type { Route } from "../../proxy-header.js";
import { END_CAUSES } from "../engine.js";
import type { Cause } from "../unserved.js";

const TYPES = [
  "connect-failed",
  "connect-recovered",
  "refused",
  "held",
  "held-left",
  "held-connected",
  "drained",
  "emptied",
  "adopted",
  "ended",
] as const;
export const REASONS = [
  "connection-limit",
  "descriptors",
  "no-backend",
  "paused",
  "service-limit",
  "client-limit",
  "accept-rate",
  "proxy-header",
  "hold-limit",
  "hold-expired",
] as const;
/** In the order of native/src/connection.h. */
export const CAUSES: readonly Cause[] = [
  ...END_CAUSES,
  "left-early",
  "connect-failed",
  "hold-expired",
  "limit",
];

/** What a thread tells; native/src/mailbox.h says what each type means, and which of the numbers it has. */
export interface NativeEvent {
  readonly type: (typeof TYPES)[number];
  readonly listener: number;
  readonly slot: number;
  readonly reason: (typeof REASONS)[number];
  readonly thread: number;
  readonly number: number;
  readonly more: number;
  readonly generation: number;
  /** Of which connection. */
  readonly connection: number;
  readonly source: Route["source"] | undefined;
  readonly waitMs: number;
  readonly openMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly tried: Route["source"] | undefined;
}

const NUMBERS_PER_EVENT = 25;

/** Reads what the addon has collected. */
export function* decodeEvents(numbers: Float64Array): Generator<NativeEvent> {
  for (let at = 0; at < numbers.length; at += NUMBERS_PER_EVENT) {
    const field = (offset: number): number => numbers[at + offset] ?? 0;
    const end = (offset: number): NativeEvent["source"] =>
      endOf(
        field(offset),
        field(offset + 1),
        [2, 3, 4, 5].map((word) => field(offset + word)),
      );
    yield {
      type: TYPES[field(0)] ?? "refused",
      listener: field(1),
      slot: field(2),
      reason: REASONS[field(3)] ?? "no-backend",
      thread: field(4),
      number: field(5),
      more: field(6),
      generation: field(7),
      connection: field(8),
      source: end(9),
      waitMs: field(15),
      openMs: field(16),
      bytesIn: field(17),
      bytesOut: field(18),
      tried: end(19),
    };
  }
}

/** Version of IP, or 0; port; and the address in words of 32 bits, of which version 4 has one. */
function endOf(version: number, port: number, words: readonly number[]): NativeEvent["source"] {
  if (version === 0) return undefined;
  const [first = 0] = words;
  if (version === 4)
    return {
      address: [first >>> 24, (first >>> 16) & 255, (first >>> 8) & 255, first & 255].join("."),
      port,
    };
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  return { address: groups.map((group) => group.toString(16)).join(":"), port };
}

/** The name of an errno; 0 stands for a target without an address. */
export function errnoName(errno: number): string {
  return errno === 0 ? "ENOENDPOINT" : getSystemErrorName(-errno);
}

/** The addon's errors have a number, as the kernel's; everybody else reads the name. */
export function withErrnoName<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && "errno" in error && typeof error.errno === "number")
      throw Object.assign(error, { code: getSystemErrorName(error.errno) });
    throw error;
  }
}
