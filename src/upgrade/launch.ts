import { spawn, type StdioOptions } from "node:child_process";
import type { Launch } from "./upgrader.js";

export interface Program {
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}

/** Names the process whose place its child is to take. */
const MARK = "SEAMLESS_TAKES_OVER_FROM";

/** They speak of this process, not of its child. */
const OWN = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID"];

/**
 * Starts the program anew. Each descriptor keeps its number, so that one that was inherited, and is therefore inherited by
 * every child, is never there twice.
 */
export function createLaunch({ path, args, environment, pid }: Program): Launch {
  return (descriptors) => {
    const others = Object.entries(environment).filter(([name]) => !OWN.includes(name));
    const env = { ...Object.fromEntries(others), [MARK]: String(pid) };
    return spawn(path, args, { env, stdio: stdioWith(descriptors) });
  };
}

/** Whether this process was started to take the place of its parent. */
export function isLaunched(environment: Program["environment"], parent: number): boolean {
  return environment[MARK] === String(parent);
}

/** The channel to the child has the first number that is free. */
function stdioWith(descriptors: readonly number[]): StdioOptions {
  const stdio: ("inherit" | "ignore" | "ipc" | number)[] = ["inherit", "inherit", "inherit"];
  for (const descriptor of descriptors) stdio[descriptor] = descriptor;
  const length = Math.max(stdio.length, ...descriptors.map((descriptor) => descriptor + 1));
  const full = Array.from({ length: length + 1 }, (_, index) => stdio[index] ?? "ignore");
  full[full.indexOf("ignore")] = "ipc";
  return full;
}
