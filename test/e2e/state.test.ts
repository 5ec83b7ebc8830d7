import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { ServiceState } from "@seamless/sdk";
import { run } from "../support/process.js";
import { daemon, startProxy, type RunningProxy } from "../support/proxy.js";

/** The whole claim is 200 kills; CI shows a part of it in the same way. */
const KILLS = Number(process.env["SEAMLESS_E2E_KILLS"] ?? 12);

function stateFile(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "state");
}

const addresses = ({ backends }: ServiceState): string[] => backends.map(({ address }) => address);

/** Changes the list until the proxy dies; answers what was acknowledged last, and what was asked for after that. */
async function changeUntilGone(
  { client }: RunningProxy,
  before: ServiceState,
  seed: number,
): Promise<{ last: ServiceState; asked: string[] }> {
  let last = before;
  for (let i = 0; ; i++) {
    const asked = [`10.0.${seed % 250}.${i % 250}:80`, `10.1.${seed % 250}.${i % 250}:80`];
    try {
      last = (await client.set(asked, { timeoutMs: 5_000 })).state;
    } catch {
      return { last, asked };
    }
  }
}

test("every acknowledged change is there after a kill -9 at any moment", async (t) => {
  const file = stateFile(t);
  let slowestMs = 0;
  let changes = 0n;
  for (let kill = 0; kill < KILLS; kill++) {
    const proxy = await startProxy(t, { backends: ["10.9.9.9:1"], args: ["--state", file] });
    const changing = changeUntilGone(proxy, (await proxy.client.get()).state, kill);
    setTimeout(() => proxy.child.kill("SIGKILL"), Math.random() * 150);
    await once(proxy.child, "exit");
    const { last, asked } = await changing;
    proxy.client.close();

    const restartedUnixMs = Date.now();
    const again = await startProxy(t, { backends: ["10.9.9.9:1"], args: ["--state", file] });
    const listening = Date.parse(String((await again.logged("listening"))["time"]));
    slowestMs = Math.max(slowestMs, listening - restartedUnixMs);
    const { state } = await again.client.get();
    // The change under way may have been stored without its answer arriving, and nothing else.
    assert.ok(state.revision === last.revision || state.revision === last.revision + 1n);
    const expected = state.revision === last.revision ? addresses(last) : asked;
    assert.deepEqual(addresses(state), expected);
    assert.equal(state.instanceId, last.instanceId);
    assert.ok(state.sequence > last.sequence);
    changes = state.revision;
    assert.equal(await again.stop(), 0);
  }
  t.diagnostic(`${KILLS} kills, ${changes} changes, listening again after ${slowestMs} ms at most`);
});

test("a watch goes on over a kill -9: no state is missed or repeated", async (t) => {
  const file = stateFile(t);
  const socket = `unix:${file}.sock`;
  const args = ["--state", file, "--grpc", socket];
  const first = await startProxy(t, { backends: ["10.0.0.1:1"], args });
  const revisions: bigint[] = [];
  const watching = (async () => {
    for await (const { revision } of first.client.watch()) {
      if (revisions.at(-1) !== revision) revisions.push(revision);
      if (revision === 4n) return;
    }
  })();
  await first.client.add(["10.0.0.2:1"]);
  first.child.kill("SIGKILL");
  await once(first.child, "exit");
  const second = await startProxy(t, { backends: ["10.0.0.1:1"], args });
  await second.client.add(["10.0.0.3:1"]);
  await second.client.add(["10.0.0.4:1"]);
  await watching;
  assert.deepEqual(revisions.at(0), 1n);
  assert.deepEqual(revisions, [...new Set(revisions)].sort());
  assert.equal(revisions.at(-1), 4n);
});

test("the state wins over the command line and says so; --reset-state begins anew", async (t) => {
  const file = stateFile(t);
  const first = await startProxy(t, { backends: ["10.0.0.1:1"], args: ["--state", file] });
  await first.client.set(["10.0.0.2:1"]);
  await first.client.setHealthCheck({ type: "tcp", intervalMs: 60_000 });
  await first.client.pause();
  assert.equal(await first.stop(), 0);
  const second = await startProxy(t, { backends: ["10.0.0.1:1"], args: ["--state", file] });
  const { state } = await second.client.get();
  assert.deepEqual(addresses(state), ["10.0.0.2:1"]);
  assert.deepEqual([state.healthCheck?.intervalMs, state.pause?.maxHeld], [60_000, 10_000]);
  assert.match(String((await second.logged("restored"))["msg"]), /--reset-state/);
  assert.equal(await second.stop(), 0);
  const args = ["--state", file, "--reset-state"];
  const third = await startProxy(t, { backends: ["10.0.0.1:1"], args });
  assert.deepEqual(addresses((await third.client.get()).state), ["10.0.0.1:1"]);
});

test("a damaged state file is one clear line, and the proxy does not start", async (t) => {
  const file = stateFile(t);
  const first = await startProxy(t, { backends: ["10.0.0.1:1"], args: ["--state", file] });
  await first.client.set(["10.0.0.2:1"]);
  await first.stop();
  writeFileSync(file, readFileSync(file, "utf8").replace("10.0.0.2", "10.0.0.3"), { mode: 0o600 });
  const args = [daemon, "127.0.0.1:0", "10.0.0.1:1", "--state", file, "--http-port", "0", "--grpc-port", "0"];
  const { exitCode, stderr } = await run(process.execPath, args);
  assert.equal(exitCode, 1);
  assert.equal(
    stderr,
    `seamless: the state file ${file} can't be used: its checksum does not match: it was cut short or changed; ` +
      `the previous copy is ${file}.bak: look at it, and copy it over if it is right, or start with --reset-state ` +
      `to use the command line's list\n`,
  );
});

test("a full disk fails the change, and memory and file stay equal; with room again changes work", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // A small file system that only the proxy sees.
  const mount = `mount -t tmpfs -o size=64k tmpfs ${folder} && exec "$0" "$@"`;
  const proxy = await startProxy(t, {
    backends: ["10.0.0.1:1"],
    args: ["--state", `${folder}/state`],
    wrapper: ["unshare", "--map-root-user", "--mount", "sh", "-c", mount],
  });
  const seenByProxy = `/proc/${proxy.child.pid ?? 0}/root${folder}`;
  const many = Array.from({ length: 100 }, (_, i) => `10.0.1.${i}:80`);
  let last = (await proxy.client.get()).state;
  await assert.rejects(
    async () => {
      for (let i = 0; i < 100; i++) last = (await proxy.client.set([...many.slice(i), "10.0.2.1:1"])).state;
    },
    { code: "STORE_FAILED", message: /no space is left on the device/ },
  );
  const { state } = await proxy.client.get();
  assert.deepEqual([state.revision, addresses(state)], [last.revision, addresses(last)]);
  const stored = JSON.parse(readFileSync(`${seenByProxy}/state`, "utf8").split("\n")[1] ?? "") as {
    services: { revision: number; list: { address: string }[] }[];
  };
  assert.equal(stored.services[0]?.revision, Number(last.revision));
  assert.deepEqual(
    stored.services[0].list.map(({ address }) => address),
    addresses(last),
  );
  rmSync(`${seenByProxy}/state.bak`);
  assert.equal((await proxy.client.add(["10.0.2.2:1"])).changed, true);
});
