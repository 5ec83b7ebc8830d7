import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { TestContext } from "node:test";
import { until } from "./until.js";

/** Whether a process is there, and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Ends a process that has taken over from one of the test's, when the test is over. */
export function endProcessAfter(t: TestContext, pid: number): void {
  t.after(async () => {
    if (!isAlive(pid)) return;
    process.kill(pid, "SIGTERM");
    await until(`process ${pid} to end`, () => !isAlive(pid)).catch((error: unknown) => {
      process.kill(pid, "SIGKILL");
      throw error;
    });
  });
}

export function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}

/** How often a process has each listening TCP socket open, by its port. */
export function listeningSockets(pid: number): ReadonlyMap<number, number> {
  const inodes = new Map<string, number>();
  for (const line of readFileSync(`/proc/${pid}/net/tcp`, "utf8").split("\n").slice(1)) {
    const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    if (state === "0A") inodes.set(`socket:[${inode}]`, parseInt(local.split(":")[1] ?? "", 16));
  }
  const open = new Map<number, number>();
  for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
    const port = inodes.get(readlinkOrNone(`/proc/${pid}/fd/${descriptor}`));
    if (port !== undefined) open.set(port, (open.get(port) ?? 0) + 1);
  }
  assert.ok(open.size > 0);
  return open;
}

/** A descriptor may be closed between the listing and the look. */
function readlinkOrNone(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
