import { type DrainStatus, DrainOutcome, type WatchDrainResponse } from "@seamless/proto";
import { toAddresses } from "./backend-input.js";
import type { CallContext } from "./call-context.js";
import { type CallOptions, resolveCallOptions } from "./call-options.js";
import { follow, type Source } from "./follow.js";

const METHOD = "waitForDrain";

/** Options of `waitForDrain`. `timeoutMs` has no default here: a drain takes as long as it takes. */
export interface WaitForDrainOptions extends CallOptions {
  /** Called with how all of the drains are, now and after each change. Default: nothing is called. */
  readonly onProgress?: (drains: readonly DrainStatus[]) => void;
}

export async function waitForDrain(
  context: CallContext,
  addresses: readonly string[],
  options: WaitForDrainOptions,
): Promise<readonly DrainStatus[]> {
  const { service, signal, timeoutMs } = resolveCallOptions(options, context.settings, METHOD);
  const { address } = context.settings.target;
  const deadline = options.timeoutMs === undefined ? undefined : { timeoutMs, address };
  let waitedFor = toAddresses(addresses, METHOD);
  let last: readonly DrainStatus[] = [];
  const source: Source<WatchDrainResponse, readonly DrainStatus[]> = {
    method: METHOD,
    open: (client) => client.watchDrain({ service, addresses: waitedFor }),
    read: ({ drains }) => drains,
    isLast: (drains) => drains.every(({ outcome }) => outcome !== DrainOutcome.OPEN),
  };
  for await (const drains of follow(context, { signal, deadline }, () => source)) {
    // After a break the same ones are waited for, also if all were meant at first.
    waitedFor = drains.map((drain) => drain.address);
    last = drains;
    options.onProgress?.(drains);
  }
  return last;
}
