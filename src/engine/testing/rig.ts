import type { TestContext } from "node:test";
import type {
  Engine,
  EngineEvent,
  ListenOptions,
  Listener,
  ListenerSettings,
  RoutingTable,
  Target,
  Telling,
} from "../engine.js";
import { openClient, readToEnd } from "./peers.js";

/** An engine that does not tell how connections ended. */
export const QUIET: Telling = { idPrefix: "rig", tellEnds: false };

/** What has happened, whoever it was. */
export function withoutConnection(event: EngineEvent): object {
  return Object.fromEntries(Object.entries(event).filter(([name]) => name !== "connection"));
}

/** A listener of the engine under test, with what it has reported. */
export interface Rig {
  readonly listener: Listener;
  readonly port: number;
  readonly events: readonly EngineEvent[];
  /** Resolves with the first event that fits, past or future. */
  readonly event: (fits: (event: EngineEvent) => boolean) => Promise<EngineEvent>;
  /** Connects, reads to the end, and answers what came; "reset" for an abort. */
  readonly ask: () => Promise<string>;
}

export async function startRig(
  t: TestContext,
  engine: Engine,
  table: RoutingTable,
  options: Partial<ListenOptions> = {},
): Promise<Rig> {
  const events: EngineEvent[] = [];
  const waiting: { fits: (event: EngineEvent) => boolean; resolve: (event: EngineEvent) => void }[] = [];
  const listener = await engine.listen({
    ...RIG_SETTINGS,
    addresses: [{ host: "127.0.0.1", port: 0 }],
    maxHeld: 1_000,
    report: (event) => {
      events.push(event);
      for (const { fits, resolve } of waiting) if (fits(event)) resolve(event);
    },
    ...options,
  });
  t.after(() => listener.destroy());
  await listener.apply(table);
  const port = portOf(listener);
  return {
    listener,
    port,
    events,
    event: (fits) =>
      new Promise((resolve) => {
        const past = events.find(fits);
        if (past) resolve(past);
        else waiting.push({ fits, resolve });
      }),
    async ask() {
      const { data, aborted } = await readToEnd(await openClient(t, port));
      return aborted ? "reset" : data.toString();
    },
  };
}

export const RIG_SETTINGS: ListenerSettings = {
  connectTimeoutMs: 2_000,
  maxAttempts: 3,
  idleTimeoutMs: 0,
  halfCloseTimeoutMs: 0,
  maxConnections: 0,
  maxConnectionsPerClient: 0,
  maxAcceptsPerSecond: 0,
  sendProxy: 0,
  acceptProxyFrom: [],
};

/** The port of the first address; 0 if that is a path. */
export function portOf({ addresses: [first] }: Listener): number {
  return first && "port" in first ? first.port : 0;
}

/** All targets in turn. */
export function inTurn(...targets: readonly Target[]): RoutingTable {
  return { targets, sequence: targets.map((_, index) => index), choice: "turn", holdMs: 0 };
}

/** Asks again and again until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
