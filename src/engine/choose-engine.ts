import { ProxyError } from "../errors.js";
import type { Engine, Telling } from "./engine.js";
import { loadAddon, type Addon } from "./native/addon.js";

export const ENGINE_CHOICES = ["auto", "native", "node"] as const;

export interface EngineOptions extends Telling {
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

/**
 * Loads only the one that is used: each would be a tenth of the start.
 * @throws ProxyError ENGINE_UNAVAILABLE if the native one is asked for and can't be used
 */
export async function chooseEngine({
  choice,
  threads,
  load = loadAddon,
  ...options
}: EngineOptions): Promise<ChosenEngine> {
  const node = async (): Promise<Engine> => {
    const { createNodeEngine } = await import("./node/node-engine.js");
    return createNodeEngine(options);
  };
  if (choice === "node") return { engine: await node(), reason: "asked for", isSecondBest: false };
  try {
    const addon = load();
    const { createNativeEngine } = await import("./native/native-engine.js");
    return {
      engine: createNativeEngine({ addon, threads, ...options }),
      reason: choice === "native" ? "asked for" : "it is the faster one",
      isSecondBest: false,
    };
  } catch (error) {
    const why = (error as Error).message.split("\n", 1)[0] ?? "";
    if (choice === "native") {
      const text = `the native engine can't be used: ${why}; build it (npm run build -w native) or use --engine node`;
      throw new ProxyError("ENGINE_UNAVAILABLE", text, { cause: error });
    }
    return { engine: await node(), reason: `the native one can't be used: ${why}`, isSecondBest: true };
  }
}
