import {
  BackendState,
  type Fleet,
  type GetOptions,
  SeamlessError,
  type SeamlessClient,
  type SeamlessErrorCode,
  type ServiceState,
} from "@seamless/sdk";
import { systemClock } from "../clock.js";
import type { Context } from "../context.js";
import { runProgram } from "../program.js";

const ends = { byClient: 1n, byBackend: 2n, cutByDrain: 3n, closedIdle: 4n, cutByShutdown: 5n };

export const state: ServiceState = {
  service: "default",
  instanceId: "one",
  revision: 3n,
  sequence: 4n,
  listenAddresses: ["[::]:8080"],
  backends: [
    {
      address: "a:1",
      weight: 2,
      state: BackendState.ACTIVE,
      resolvedAddresses: ["10.0.0.1"],
      error: "",
      counters: {
        activeConnections: 5,
        totalConnections: 9n,
        failedConnects: 0n,
        bytesIn: 2048n,
        bytesOut: 2n ** 60n,
        ends,
      },
      drain: undefined,
      health: undefined,
    },
    {
      address: "b:1",
      weight: 1,
      state: BackendState.DRAINING,
      resolvedAddresses: [],
      error: "",
      counters: {
        activeConnections: 1,
        totalConnections: 2n,
        failedConnects: 0n,
        bytesIn: 0n,
        bytesOut: 0n,
        ends,
      },
      drain: {
        startedUnixMs: 7n,
        connectionsAtStart: 2,
        openConnections: 1,
        options: { spreadMs: 0 },
        deadlineUnixMs: 0n,
        oldestUnixMs: 5n,
        lastByteUnixMs: 0n,
        bytes: 4096n,
        ends,
      },
      health: undefined,
    },
  ],
  healthCheck: undefined,
  pause: undefined,
  deploy: undefined,
  ledger: {
    ends,
    leftEarly: 1n,
    connectFailed: 2n,
    holdExpired: 3n,
    refusedByLimit: 4n,
    refusals: undefined,
  },
  heldConnections: 0,
  settings: undefined,
  acceptedConnections: 9n,
  openConnections: 3,
};
export const proxy = {
  version: "1.2.3",
  engine: "node",
  startedUnixMs: BigInt(Date.now() - 65_000),
  openConnections: 6,
  maxConnections: 100,
  acceptedConnections: 11n,
  refusedConnections: 0n,
  unservedConnections: 0n,
  shuttingDown: false,
  services: ["default"],
  predecessor: undefined,
  store: { kind: "file", available: true, staleSinceUnixMs: 0n, error: "" },
};

export const fleet: Fleet = {
  proxies: [
    {
      id: "7587870c2d3a4b01",
      name: "web1",
      version: "1.2.3",
      startedUnixMs: 1n,
      self: false,
      sharesName: false,
      services: [
        {
          service: "db",
          revision: 2n,
          openConnections: 0,
          backends: [{ address: "d:1", state: BackendState.ACTIVE, openConnections: 0 }],
        },
        {
          service: "default",
          revision: 6n,
          openConnections: 12,
          backends: [
            { address: "a:1", state: BackendState.DRAINING, openConnections: 4 },
            { address: "b:1", state: BackendState.DRAINING, openConnections: 1 },
            { address: "c:1", state: BackendState.UNHEALTHY, openConnections: 7 },
          ],
        },
      ],
    },
    {
      id: "7587870c2d3a5c02",
      name: "web2",
      version: "1.2.4",
      startedUnixMs: 2n,
      self: true,
      sharesName: false,
      services: [{ service: "default", revision: 7n, openConnections: 0, backends: [] }],
    },
    {
      id: "9",
      name: "web3",
      version: "1.2.4",
      startedUnixMs: 3n,
      self: false,
      sharesName: false,
      services: [],
    },
  ],
  store: { kind: "etcd", available: true, staleSinceUnixMs: 0n, error: "" },
};

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What was asked of the SDK, without signals and callbacks. */
  readonly calls: readonly unknown[];
}

const LATER = [
  "setWeights",
  "deploy",
  "changeDrain",
  "undrain",
  "waitForDrain",
  "pause",
  "resume",
  "setHealthCheck",
  "history",
  "rollback",
  "fleet",
] as const;

function withoutCallbacks(argument: unknown): unknown {
  if (argument === null || typeof argument !== "object" || Array.isArray(argument)) return argument;
  const kept = Object.entries(argument).filter(([key]) => key !== "signal" && key !== "onProgress");
  return Object.fromEntries(kept);
}

/** Runs a command line against a client that answers as told. */
export async function ctl(
  line: string,
  answer: (tell?: (value: unknown) => void) => unknown = () => ({ state, proxy, changed: true }),
  given: Partial<Pick<Context, "isTerminal" | "actor" | "clock">> = {},
): Promise<Outcome> {
  let [stdout, stderr] = ["", ""];
  const calls: unknown[] = [];
  const interrupt = new AbortController();
  type Options = { expectedRevision?: bigint; drain?: object };
  const call =
    (method: string) =>
    (argument: unknown, { expectedRevision, drain }: Options) => {
      calls.push(
        [method, argument, expectedRevision, drain].filter((part, i) => i < 2 || part !== undefined),
      );
      return new Promise((resolve) => resolve(answer()));
    };
  const client = {
    get: ({ linearizable }: GetOptions) =>
      call("get")(linearizable === undefined ? undefined : { linearizable }, {}),
    set: call("set"),
    add: call("add"),
    remove: call("remove"),
    ...Object.fromEntries(
      LATER.map((method) => [
        method,
        (...args: unknown[]) => {
          calls.push([method, ...args.map(withoutCallbacks)]);
          const tell = (args.at(-1) as { onProgress?: (value: unknown) => void }).onProgress;
          return new Promise((resolve) => resolve(answer(tell)));
        },
      ]),
    ),
    async *watchDeploy() {
      calls.push(["watchDeploy"]);
      const seen: unknown[] = [];
      await Promise.resolve(answer((value) => seen.push(value)));
      yield* seen;
    },
    async *watch({ onReconnect }: { onReconnect: (error: Error, attempt: number) => void }) {
      yield await Promise.resolve(state);
      onReconnect(new Error("gone"), 1);
      yield { ...state, revision: 4n };
      interrupt.abort();
      throw new SeamlessError("CANCELLED", "aborted", { status: "CANCELLED", method: "watch" });
    },
    async *watchFleet({ onReconnect }: { onReconnect: (error: Error, attempt: number) => void }) {
      calls.push(["watchFleet"]);
      yield await Promise.resolve(answer());
      onReconnect(new Error("gone"), 1);
      yield await Promise.resolve(answer());
      interrupt.abort();
      throw new SeamlessError("CANCELLED", "aborted", { status: "CANCELLED", method: "watchFleet" });
    },
    close: () => calls.push("close"),
  };
  const exitCode = await runProgram(line === "" ? [] : line.split(" "), {
    connect: (options) => {
      calls.push(options);
      return client as unknown as SeamlessClient;
    },
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    isTerminal: false,
    actor: undefined,
    clock: systemClock,
    ...given,
    version: "9.9.9",
    signal: interrupt.signal,
  });
  return { exitCode, stdout, stderr, calls };
}

export const fails =
  (code: SeamlessErrorCode, details: Record<string, string> = {}, method = "get") =>
  () => {
    throw new SeamlessError(code, "what was wrong", { status: "UNKNOWN", method, details });
  };
export const defaults = { address: "127.0.0.1:6778", service: "default", timeoutMs: 10_000 };
