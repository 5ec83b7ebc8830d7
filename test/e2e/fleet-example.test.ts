import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { collect } from "../support/process.js";
import { freePorts, isFree } from "../support/ports.js";
import { hasProgram } from "../support/programs.js";
import { root } from "../support/proxy.js";
import { until } from "../support/until.js";

interface Example {
  readonly child: ChildProcess;
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** What it has left behind, once it has ended. */
  readonly leftovers: () => Promise<{ files: readonly string[]; ports: readonly number[] }>;
}

/** The script, on free ports and with a process group of its own, as a shell gives it. */
async function startExample(t: TestContext, ...args: readonly string[]): Promise<Example> {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  const ports = await freePorts(11);
  const some = (from: number, to: number): string => ports.slice(from, to).join(" ");
  const variables = {
    ETCD_PORTS: some(0, 3),
    PEER_PORTS: some(3, 6),
    PROXY_PORTS: some(6, 9),
    BACKEND_PORTS: some(9, 11),
    TMPDIR: folder,
  };
  const child = spawn("bash", [`${root}examples/fleet/run.sh`, ...args], {
    env: { ...process.env, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = collect(child);
  t.after(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  const taken = async (): Promise<readonly number[]> => {
    const free = await Promise.all(ports.map(isFree));
    return ports.filter((_, index) => !free[index]);
  };
  return { child, output, leftovers: async () => ({ files: readdirSync(folder), ports: await taken() }) };
}

const NOTHING = { files: [], ports: [] };

test("the fleet example deploys on three proxies, outlives members of etcd, and leaves nothing behind", async (t) => {
  if (!hasProgram(t, "etcd")) return;
  const { child, output, leftovers } = await startExample(t);
  const [exitCode] = (await once(child, "close")) as [number | null];
  const { stdout, stderr } = output;
  assert.equal(exitCode, 0, stdout + stderr);
  const story = [
    /\n3 proxies, store etcd\n/,
    /clients are answered: old old old\n/,
    /switched: revision 3 on 3 proxies .*safe to stop: 127\.0\.0\.1:\d+\n/,
    /clients are answered: new new new\n/,
    /One member of etcd is killed/,
    /service default, revision 4\n/,
    /And another one/,
    /exit code 3\nclients are answered: new new new\n/,
    /store +etcd, unreachable since .* the last lists known are served, changes are refused/,
    /It is back/,
    /seamlessctl get --linearizable\nservice default, revision 5\n/,
  ];
  let rest = stdout;
  for (const step of story) {
    const found = step.exec(rest);
    assert.ok(found, `${String(step)} is not in what is left of the output:\n${rest}\n${stderr}`);
    rest = rest.slice(found.index + found[0].length);
  }
  assert.deepEqual(await leftovers(), NOTHING);
});

test("the fleet example runs on for whoever wants to look around, and Ctrl-C ends all of it", async (t) => {
  if (!hasProgram(t, "etcd")) return;
  const { child, output, leftovers } = await startExample(t, "--stay");
  const ended = once(child, "close") as Promise<[number | null]>;
  const isThere = (): boolean =>
    output.stdout.includes("export SEAMLESS_ADDRESS=") || child.exitCode !== null;
  await until("it waits", isThere, 90_000);
  process.kill(-(child.pid ?? 0), "SIGINT");
  assert.deepEqual((await ended)[0], 130, output.stdout + output.stderr);
  assert.deepEqual(await leftovers(), NOTHING);
});
