import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Runs wrk for some seconds and resolves with the number of requests. Any error of its is an error here. */
export async function wrk(port, seconds, headers = []) {
  const args = [
    "-t1",
    "-c32",
    `-d${seconds}s`,
    ...headers.flatMap((header) => ["-H", header]),
    `http://127.0.0.1:${port}/`,
  ];
  const { stdout } = await promisify(execFile)("wrk", args);
  if (/Socket errors|Non-2xx/.test(stdout)) throw new Error(`the load saw errors:\n${stdout}`);
  return Number(/(\d+) requests in/.exec(stdout)[1]);
}
