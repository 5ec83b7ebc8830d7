import type { Engine, Telling } from "../engine.js";
import { ConnectionRegister } from "./connection-register.js";
import { NodeListener } from "./node-listener.js";

export interface NodeEngineOptions extends Telling {
  /** Most client connections at once, over all listeners. */
  readonly maxConnections: number;
}

/** The portable engine, on node:net: one thread, the one that also runs the control plane. */
export function createNodeEngine({ maxConnections, ...telling }: NodeEngineOptions): Engine {
  const register = new ConnectionRegister(maxConnections);
  return {
    name: "node",
    maxConnections,
    listen: (options) => NodeListener.open({ ...options, ...telling, register }),
  };
}
