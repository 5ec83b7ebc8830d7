import { ProxyError } from "../errors.js";
import type { Engine } from "./engine.js";
import { loadAddon, type Addon } from "./native/addon.js";
import { createNativeEngine } from "./native/native-engine.js";
import { createNodeEngine } from "./node/node-engine.js";

export const ENGINE_CHOICES = ["auto", "native", "node"] as const;

export interface EngineOptions {
  /** auto: the native one, if it can be used. */
  readonly choice: (typeof ENGINE_CHOICES)[number];
  /** Of the native engine; the other one has only the thread that everything else runs in. */
  readonly threads: number;
  /** Most client connections at once. */
  readonly maxConnections: number;
  /** @throws Error if there is no addon */
  readonly load?: () => Addon;
}

export interface ChosenEngine {
  readonly engine: Engine;
  /** Why it is this one, for people. */
  readonly reason: string;
  /** Whether a better one could not be used. */
  readonly isSecondBest: boolean;
}

/** @throws ProxyError ENGINE_UNAVAILABLE if the native one is asked for and can't be used */
export function chooseEngine({
  choice,
  threads,
  maxConnections,
  load = loadAddon,
}: EngineOptions): ChosenEngine {
  if (choice === "node")
    return { engine: createNodeEngine({ maxConnections }), reason: "asked for", isSecondBest: false };
  try {
    const engine = createNativeEngine({ addon: load(), threads, maxConnections });
    return {
      engine,
      reason: choice === "native" ? "asked for" : "it is the faster one",
      isSecondBest: false,
    };
  } catch (error) {
    const why = (error as Error).message.split("\n", 1)[0] ?? "";
    if (choice === "native") {
      const text = `the native engine can't be used: ${why}; build it (npm run build -w native) or use --engine node`;
      throw new ProxyError("ENGINE_UNAVAILABLE", text, { cause: error });
    }
    return {
      engine: createNodeEngine({ maxConnections }),
      reason: `the native one can't be used: ${why}`,
      isSecondBest: true,
    };
  }
}
