import { run } from "./process.js";

export interface Load {
  readonly requests: number;
  /** Socket errors and answers other than 2xx; "" if there were none. */
  readonly failures: string;
}

/** Opens new connections at full rate, one request each. */
export async function newConnections(port: number, seconds: number, concurrency = 32): Promise<Load> {
  const load = ["-t1", `-c${concurrency}`, `-d${seconds}s`, "--timeout", "10s"];
  const args = [...load, "-H", "Connection: close", `http://127.0.0.1:${port}/`];
  const { stdout, stderr, exitCode } = await run("wrk", args);
  if (exitCode !== 0) throw new Error(`wrk failed: ${stderr}`);
  const failures = stdout.split("\n").filter((line) => /Socket errors|Non-2xx/.test(line));
  return { requests: Number(/(\d+) requests in/.exec(stdout)?.[1]), failures: failures.join("; ") };
}
