import type { Engine } from "../engine.js";
import { NodeListener, type ConnectionBudget } from "./node-listener.js";

export interface NodeEngineOptions {
  /** Most client connections at once, over all listeners. */
  readonly maxConnections: number;
}

/** The portable engine, on node:net: one thread, the one that also runs the control plane. */
export function createNodeEngine({ maxConnections }: NodeEngineOptions): Engine {
  let open = 0;
  const budget: ConnectionBudget = {
    take() {
      if (open >= maxConnections) return false;
      open += 1;
      return true;
    },
    giveBack: () => void (open -= 1),
  };
  return { name: "node", maxConnections, listen: (options) => NodeListener.open(options, budget) };
}
