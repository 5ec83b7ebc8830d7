import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { TestContext } from "node:test";
import { endAfter, run } from "./process.js";

export interface FarHost {
  /** Of a server there that answers HTTP requests with its name. */
  readonly address: string;
  /** From now on no packet of it arrives here. */
  blackhole(): Promise<void>;
}

const program = fileURLToPath(new URL("./server-program.js", import.meta.url));
const PORT = 8080;

/** A host of its own, in a network namespace that ends with the test. Needs root. */
export async function startFarHost(t: TestContext, name: string): Promise<FarHost> {
  const id = process.pid % 10_000;
  const [space, here, there] = [`seamless-${id}`, `slh${id}`, `slt${id}`];
  const net = `10.203.${id % 250}`;
  const ip = async (...args: string[]): Promise<void> => {
    const { exitCode, stderr } = await run("ip", args);
    if (exitCode !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr.trim()} (this test needs root)`);
  };
  await ip("netns", "add", space);
  t.after(() => ip("netns", "del", space));
  await ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space);
  await ip("addr", "add", `${net}.1/24`, "dev", here);
  await ip("link", "set", here, "up");
  await ip("-n", space, "addr", "add", `${net}.2/24`, "dev", there);
  await ip("-n", space, "link", "set", there, "up");
  const command = ["netns", "exec", space, process.execPath, program, name, String(PORT), `${net}.2`];
  const server = spawn("ip", command, { stdio: ["ignore", "pipe", "inherit"] });
  endAfter(t, server, "SIGKILL");
  await once(server.stdout, "data");
  return {
    address: `${net}.2:${PORT}`,
    blackhole: () => ip("-n", space, "route", "add", "blackhole", `${net}.1/32`),
  };
}
