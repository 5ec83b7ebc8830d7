import { run } from "./process.js";

/** Asks the curl interface on a Unix socket, by curl; status 0: nobody answers. */
export async function curlAt(
  path: string,
  url: string,
  ...args: readonly string[]
): Promise<readonly [status: number, body: string]> {
  const asked = ["-s", "-w", "\\n%{http_code}", "--max-time", "10", ...args, "--unix-socket", path, url];
  const { stdout } = await run("curl", asked);
  const end = stdout.lastIndexOf("\n");
  return [Number(stdout.slice(end + 1)), stdout.slice(0, end)];
}
