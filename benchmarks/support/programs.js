import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { WITH_MOST_FILES } from "./limits.js";

export function isInstalled(program) {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`]);
    return true;
  } catch {
    return false;
  }
}

/** What a program says of its version, on whichever output. */
export function versionOf(command) {
  return execFileSync("sh", ["-c", `${command} 2>&1 | head -1`], { encoding: "utf8" }).trim();
}

export async function freePort() {
  const [port] = await freePorts(1);
  return port;
}

/** Different ones, since all are taken at the same time before they are given back. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** Starts a program and waits until it listens on all of these ports. `stop` ends it and waits for its end. */
export async function startListening(program, args, ...ports) {
  const child = spawn("sh", ["-c", WITH_MOST_FILES, program, ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  for (const port of ports) {
    for (let tries = 0; !(await accepts(port)); tries++) {
      if (child.exitCode !== null || tries > 400) {
        child.kill("SIGKILL");
        throw new Error(`${program} does not start`);
      }
      await delay(25);
    }
  }
  return {
    pid: child.pid,
    async stop() {
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 2_000);
      await ended;
      clearTimeout(hard);
    },
  };
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
