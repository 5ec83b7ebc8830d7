import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestContext } from "node:test";
import { endAfter } from "./process.js";

export interface KillableServer {
  readonly address: string;
  readonly port: number;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

const program = fileURLToPath(new URL("./server-program.js", import.meta.url));

/** A server in a process of its own, listening already. */
export async function startKillable(t: TestContext, name: string, listenPort = 0): Promise<KillableServer> {
  const child = spawn(process.execPath, [program, name, String(listenPort)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  endAfter(t, child, "SIGKILL");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  return {
    address: `127.0.0.1:${port}`,
    port,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
