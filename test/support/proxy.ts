import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { TestContext } from "node:test";
import { connect, type SeamlessClient } from "@seamless/sdk";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
export const daemon = `${root}src/bin/seamless.js`;
export const ctl = `${root}cli/bin/seamlessctl.js`;

/** A test that waits in vain fails, and leaves no process behind. */
const LIMIT_MS = 15_000;

export interface ProxyOptions {
  readonly backends: readonly string[];
  readonly args?: readonly string[];
  /** Limit on open files. Default: that of the tests. */
  readonly openFiles?: number;
  /** The file that Node runs. Default: the daemon. */
  readonly program?: string;
  /** A program that is given the proxy's command line to run. */
  readonly wrapper?: readonly string[];
}

export interface RunningProxy {
  readonly child: ChildProcess;
  /** Where clients connect. */
  readonly port: number;
  /** gRPC address, `host:port`. */
  readonly grpc: string;
  /** Base URL of the curl interface. */
  readonly http: string;
  readonly client: SeamlessClient;
  readonly log: readonly LogLine[];
  /** Resolves with the first line of the event, past or future; rejects if there is none in 15 s. */
  logged(event: string): Promise<LogLine>;
  /** Bytes of memory that are resident. */
  residentBytes(): number;
  /** The most of them since the last time it was asked. */
  mostResidentBytes(): number;
  /** Sends SIGTERM and resolves with the exit code; null if it had to be killed in the end. */
  stop(): Promise<number | null>;
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string };

/** Starts the real program on free ports; ends it after the test, and fails if it doesn't end in order. */
export function startProxy(t: TestContext, options: ProxyOptions): Promise<RunningProxy> {
  return follow(t, spawnDaemon(options));
}

/** The same with a configuration file, which is to ask for free ports and JSON logs. */
export function startConfigured(
  t: TestContext,
  file: string,
  {
    args = [],
    nodeArgs = [],
  }: { readonly args?: readonly string[]; readonly nodeArgs?: readonly string[] } = {},
): Promise<RunningProxy> {
  const argv = [...nodeArgs, daemon, "--config", file, ...args];
  return follow(t, spawn(process.execPath, argv, { stdio: ["ignore", "ignore", "pipe"] }));
}

async function follow(t: TestContext, child: ChildProcess): Promise<RunningProxy> {
  const log: LogLine[] = [];
  const waiting: { event: string; resolve: (line: LogLine) => void }[] = [];
  createInterface(child.stderr ?? assert.fail()).on("line", (text) => {
    // Only what could not start, and tells it before it has a log, is no JSON.
    const line = text.startsWith("{") ? (JSON.parse(text) as LogLine) : { event: "text", text };
    log.push(line);
    for (const { event, resolve } of waiting) if (event === line.event) resolve(line);
  });
  const logged = (event: string): Promise<LogLine> =>
    new Promise((resolve, reject) => {
      const seen = log.find((line) => line.event === event);
      if (seen) {
        resolve(seen);
        return;
      }
      const late = setTimeout(
        () => reject(new Error(`no "${event}" logged: ${JSON.stringify(log)}`)),
        LIMIT_MS,
      );
      late.unref();
      waiting.push({ event, resolve });
      child.once("exit", () => reject(new Error(`the proxy ended: ${JSON.stringify(log)}`)));
    });
  const ended = once(child, "exit");
  ended.catch(() => undefined);
  const stop = async (): Promise<number | null> => {
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    const [code] = (await ended) as [number | null];
    clearTimeout(hard);
    return code;
  };
  const ready = await logged("ready");
  const grpc = String(ready["grpc"]);
  const client = connect({ address: grpc });
  t.after(async () => {
    client.close();
    if (child.exitCode === null && child.signalCode === null)
      assert.equal(await stop(), 0, JSON.stringify(log.at(-1)));
  });
  return {
    child,
    port: Number(String(ready["listen"]).split(":").at(-1)),
    grpc,
    http: `http://${String(ready["http"])}`,
    client,
    log,
    logged,
    residentBytes: () => memoryOf(child, "VmRSS"),
    mostResidentBytes: () => takeMostResident(child),
    stop,
  };
}

function spawnDaemon({
  backends,
  args = [],
  openFiles,
  program: file = daemon,
  wrapper = [],
}: ProxyOptions): ChildProcess {
  const own = ["--http-port", "0", "--log-format", "json", "--shutdown-timeout", "500ms"];
  const grpc = args.some((arg) => arg.startsWith("--grpc")) ? [] : ["--grpc-port", "0"];
  const argv = [file, "127.0.0.1:0", backends.join(","), ...own, ...grpc, ...args];
  const stdio: ["ignore", "ignore", "pipe"] = ["ignore", "ignore", "pipe"];
  if (openFiles === undefined) {
    const [program = process.execPath, ...rest] = [...wrapper, process.execPath, ...argv];
    return spawn(program, rest, { stdio });
  }
  const limited = `ulimit -n ${openFiles}; exec "$0" "$@"`;
  return spawn("bash", ["-c", limited, process.execPath, ...argv], { stdio });
}

function memoryOf(child: ChildProcess, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${child.pid ?? 0}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024;
}

function takeMostResident(child: ChildProcess): number {
  const most = memoryOf(child, "VmHWM");
  // proc_pid_clear_refs(5): the most is what there is now.
  writeFileSync(`/proc/${child.pid ?? 0}/clear_refs`, "5");
  return most;
}
