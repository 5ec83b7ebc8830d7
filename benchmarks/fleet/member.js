import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect } from "@seamless/sdk";

const daemon = fileURLToPath(new URL("../../src/bin/seamless.js", import.meta.url));
const LIGHT = ["--engine", "node", "--threads", "1", "--shutdown-timeout", "0"];
const LOGGED = ["--http-port", "0", "--grpc-port", "0", "--log-format", "json"];

/**
 * A real proxy of the fleet. When it has applied a revision is what its own log says, which is written once every thread
 * of the engine goes by the new list; so that no time passes on the way to us, and we do no more work for more proxies.
 */
export async function startMember({ store, name }) {
  const shared = ["--store", store, "--proxy-name", name];
  const child = spawn(daemon, ["127.0.0.1:0", "127.0.0.1:1", ...shared, ...LIGHT, ...LOGGED], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const appliedAt = new Map();
  let [revision, wake, ready] = [1, () => undefined, () => undefined];
  const listening = new Promise((resolve) => (ready = resolve));
  createInterface(child.stderr).on("line", (text) => {
    const line = text.startsWith("{") ? JSON.parse(text) : {};
    if (line.event === "ready") ready(line.grpc);
    if (line.event !== "changed") return;
    appliedAt.set(line.revision, Date.parse(line.time));
    revision = Math.max(revision, line.revision);
    wake();
  });
  const address = await Promise.race([listening, ended]);
  if (typeof address !== "string") throw new Error(`${name} does not start`);
  const client = connect({ address });
  return {
    pid: child.pid,
    client,
    /** Resolves with when it had applied the revision, in Unix milliseconds; undefined: it went on to a later one. */
    async applied(wanted) {
      while (revision < wanted) await new Promise((resolve) => (wake = resolve));
      const at = appliedAt.get(wanted);
      appliedAt.delete(wanted);
      return at;
    },
    async stop() {
      client.close();
      child.kill("SIGKILL");
      await ended;
    },
  };
}
