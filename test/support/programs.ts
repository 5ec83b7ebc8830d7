import { spawnSync } from "node:child_process";
import type { TestContext } from "node:test";

/**
 * Whether a system program is there. If not, the test is skipped and says which one it needs; in CI, where
 * `.ci/run` installs them all, it fails.
 */
export function hasProgram(t: TestContext, program: string): boolean {
  const found = spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
  if (found) return true;
  const message = `needs the program ${program}, which is not installed (see .ci/run)`;
  if (process.env["CI"] !== undefined) throw new Error(message);
  t.skip(message);
  return false;
}
