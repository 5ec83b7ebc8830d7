import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePorts, versionOf } from "../support/programs.js";

/** One member of etcd on loopback, with its defaults; it syncs every change to the disk that the folder is on. */
export async function startEtcd(folder) {
  const [clientPort, peerPort] = await freePorts(2);
  const [client, peer] = [clientPort, peerPort].map((port) => `http://127.0.0.1:${port}`);
  const args = [
    ...["--name", "bench", "--data-dir", join(folder, "etcd"), "--initial-cluster", `bench=${peer}`],
    ...["--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
  ];
  const child = spawn("etcd", args, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  const isReady = await new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("exit", () => resolve(false));
    // Its output is read to the end, so that it never waits to get rid of it.
    createInterface(child.stderr).on("line", (line) => {
      if (line.includes("ready to serve client requests")) resolve(true);
    });
  });
  if (!isReady) throw new Error("etcd does not start");
  return {
    pid: child.pid,
    version: versionOf("etcd --version"),
    store: `etcd://127.0.0.1:${clientPort}/bench`,
    async stop() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
