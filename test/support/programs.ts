import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";

/** Debian keeps PostgreSQL's server programs out of PATH. */
const ELSEWHERE = "/usr/lib/postgresql/*/bin";

/** The path of a system program, or undefined. */
export function findProgram(program: string): string | undefined {
  const look = `command -v "$0" || ls ${ELSEWHERE}/"$0" 2>/dev/null | sort -V | tail -1`;
  const path = spawnSync("sh", ["-c", look, program], { encoding: "utf8" }).stdout.trim();
  return path === "" ? undefined : path;
}

/**
 * Whether a system program is there. If not, the test is skipped and says which one it needs; in CI, where
 * `.ci/run` installs them all, it fails.
 */
export function hasProgram(t: TestContext, program: string): boolean {
  if (findProgram(program) !== undefined) return true;
  const message = `needs the program ${program}, which is not installed (see .ci/run)`;
  if (process.env["CI"] !== undefined) throw new Error(message);
  t.skip(message);
  return false;
}
