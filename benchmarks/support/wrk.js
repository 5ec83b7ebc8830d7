import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { isInstalled } from "./programs.js";

const MICROSECONDS = { us: 1, ms: 1e3, s: 1e6, m: 60e6 };

/** A connection for each request. */
export const CLOSE = ["Connection: close"];

/** Whether there is what HTTP workloads need: the load, and the backend. */
export const isHttpThere = () => isInstalled("wrk") && isInstalled("nginx");

/**
 * Runs wrk for some seconds; resolves with the number of requests and what half of them, and all but one in a hundred,
 * took at most, in microseconds. Any error of its is an error here.
 */
export async function wrk(port, seconds, { connections = 32, headers = [] } = {}) {
  const args = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    "--timeout=10s",
    ...headers.flatMap((header) => ["-H", header]),
    `http://127.0.0.1:${port}/`,
  ];
  const { stdout } = await promisify(execFile)("wrk", args);
  if (/Socket errors|Non-2xx/.test(stdout)) throw new Error(`the load saw errors:\n${stdout}`);
  const latency = (percent) => {
    const [, figure, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s|m)`).exec(stdout);
    return Number(figure) * MICROSECONDS[unit];
  };
  return { requests: Number(/(\d+) requests in/.exec(stdout)[1]), p50: latency(50), p99: latency(99) };
}
