import {
  BackendState,
  SeamlessError,
  type SeamlessClient,
  type SeamlessErrorCode,
  type ServiceState,
} from "@seamless/sdk";
import { runProgram } from "../program.js";

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
      },
      drain: undefined,
    },
    {
      address: "b:1",
      weight: 1,
      state: BackendState.DRAINING,
      resolvedAddresses: [],
      error: "",
      counters: { activeConnections: 1, totalConnections: 2n, failedConnects: 0n, bytesIn: 0n, bytesOut: 0n },
      drain: { startedUnixMs: 7n, connectionsAtStart: 2, openConnections: 1 },
    },
  ],
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
};

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What was asked of the SDK. */
  readonly calls: readonly unknown[];
}

/** Runs a command line against a client that answers as told. */
export async function ctl(
  line: string,
  answer: () => unknown = () => ({ state, proxy, changed: true }),
): Promise<Outcome> {
  let [stdout, stderr] = ["", ""];
  const calls: unknown[] = [];
  const interrupt = new AbortController();
  const call = (method: string) => (argument: unknown, options: { expectedRevision?: bigint }) => {
    calls.push(
      options.expectedRevision === undefined
        ? [method, argument]
        : [method, argument, options.expectedRevision],
    );
    return new Promise((resolve) => resolve(answer()));
  };
  const client = {
    get: () => call("get")(undefined, {}),
    set: call("set"),
    add: call("add"),
    remove: call("remove"),
    async *watch({ onReconnect }: { onReconnect: (error: Error, attempt: number) => void }) {
      yield await Promise.resolve(state);
      onReconnect(new Error("gone"), 1);
      yield { ...state, revision: 4n };
      interrupt.abort();
      throw new SeamlessError("CANCELLED", "aborted", { status: "CANCELLED", method: "watch" });
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
    version: "9.9.9",
    signal: interrupt.signal,
  });
  return { exitCode, stdout, stderr, calls };
}

export const fails =
  (code: SeamlessErrorCode, details: Record<string, string> = {}) =>
  () => {
    throw new SeamlessError(code, "what was wrong", { status: "UNKNOWN", method: "get", details });
  };
export const defaults = { address: "127.0.0.1:6778", service: "default", timeoutMs: 10_000 };
