import { isDeepStrictEqual } from "node:util";
import type { ListenAddress } from "../engine/engine.js";
import { ProxyError } from "../errors.js";
import { formatListenAddress, overlaps } from "../listen-address.js";
import type { ServiceConfig } from "./service-config.js";

/** What leads from one configuration to the next. */
export type ReloadStep =
  | { readonly do: "open"; readonly after: ServiceConfig; readonly before?: undefined }
  | { readonly do: "change"; readonly before: ServiceConfig; readonly after: ServiceConfig }
  | { readonly do: "drop"; readonly before: ServiceConfig; readonly after?: undefined };

type Listening = readonly ListenAddress[];

/**
 * Those that are new are opened first, which can be undone; then those that are there are changed, and those that are gone are
 * dropped. Only whoever needs an address that another one leaves waits for that one: no socket passes from one service to
 * another, so that clients who come in the moment between are refused.
 * @throws ProxyError LISTEN_FAILED if some wait for each other
 */
export function planReload(
  present: ReadonlyMap<string, ServiceConfig>,
  next: readonly ServiceConfig[],
): readonly ReloadStep[] {
  const gone = [...present.values()].filter(({ name }) => next.every((service) => service.name !== name));
  const steps = next.map((after): ReloadStep => {
    const before = present.get(after.name);
    return before ? { do: "change", before, after } : { do: "open", after };
  });
  const isOpening = (step: ReloadStep): boolean => step.do === "open";
  let pending: readonly ReloadStep[] = [
    ...steps.filter(isOpening),
    ...steps.filter((step) => !isOpening(step)),
    ...gone.map((before): ReloadStep => ({ do: "drop", before })),
  ];
  const order: ReloadStep[] = [];
  while (pending.length > 0) {
    const ready = pending.find((step) => !blockOf(step, pending));
    if (!ready) throw entangled(pending);
    order.push(ready);
    pending = pending.filter((step) => step !== ready);
  }
  return order;
}

interface Block {
  readonly wanted: ListenAddress;
  readonly held: ListenAddress;
  readonly holder: string;
}

/** An address that a step needs, and one that is in its way until another step has been done, or this one itself. */
function blockOf(step: ReloadStep, pending: readonly ReloadStep[]): Block | undefined {
  for (const { before, after } of pending) {
    if (!before) continue;
    for (const held of without(before.listen, after?.listen)) {
      const wanted = without(step.after?.listen, step.before?.listen).find((each) => overlaps(each, held));
      if (wanted) return { wanted, held, holder: before.name };
    }
  }
  return undefined;
}

function without(listen: Listening = [], others: Listening = []): Listening {
  return listen.filter((address) => !others.some((other) => isDeepStrictEqual(address, other)));
}

function entangled(pending: readonly ReloadStep[]): ProxyError {
  for (const step of pending) {
    const block = blockOf(step, pending);
    if (!block || !step.after) continue;
    const { name } = step.after;
    const [wanted, held] = [formatListenAddress(block.wanted), formatListenAddress(block.held)];
    const other = block.holder === name ? `it still has ${held}` : `service '${block.holder}' has ${held}`;
    const wait = block.holder === name ? "" : ", and they wait for each other";
    const way = block.holder === name ? "" : "upgrade instead (SIGUSR2), which does it without a pause, or ";
    const message =
      `service '${name}' can't listen on ${wanted} while ${other}${wait}: ` +
      `${way}reload with another address for '${name}' first, and then with ${wanted}`;
    return new ProxyError("LISTEN_FAILED", message);
  }
  throw new Error("no step of the reload is blocked, and none can be done");
}
