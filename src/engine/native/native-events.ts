import { getSystemErrorName } from "node:util";

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
] as const;

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
}

const NUMBERS_PER_EVENT = 8;

/** Reads what the addon has collected. */
export function* decodeEvents(numbers: Float64Array): Generator<NativeEvent> {
  for (let at = 0; at < numbers.length; at += NUMBERS_PER_EVENT) {
    const field = (offset: number): number => numbers[at + offset] ?? 0;
    yield {
      type: TYPES[field(0)] ?? "refused",
      listener: field(1),
      slot: field(2),
      reason: REASONS[field(3)] ?? "no-backend",
      thread: field(4),
      number: field(5),
      more: field(6),
      generation: field(7),
    };
  }
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
