import assert from "node:assert/strict";
import { spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { startNamed } from "../support/backends.js";
import { freePorts } from "../support/ports.js";
import { ctl, daemon, startConfigured } from "../support/proxy.js";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function ask(where: { port: number; localAddress?: string } | { path: string }): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect("port" in where ? { ...where, host: "127.0.0.1" } : where);
    socket.on("data", (chunk) => (text += chunk.toString()));
    socket.on("error", () => resolve("error"));
    socket.on("end", () => resolve(text));
  });
}

const portOf = (address = ""): number => Number(address.split(":").at(-1));

test("status and version are about the proxy, also where no service is named default", async (t) => {
  const file = join(folder(t), "seamless.yaml");
  const service = 'services: {web: {listen: "127.0.0.1:0", backends: "a:1"}}';
  writeFileSync(file, `log_format: json\nhttp_port: 0\ngrpc_port: 0\n${service}\n`);
  const proxy = await startConfigured(t, file);
  const run = (...args: readonly string[]): SpawnSyncReturns<string> =>
    spawnSync(process.execPath, [ctl, "--address", proxy.grpc, ...args], { encoding: "utf8" });
  const status = run("status");
  assert.deepEqual([status.status, status.stderr], [0, ""]);
  assert.match(status.stdout, /^proxy +seamless .*\nservice web, revision 1\n/s);
  assert.match(run("version").stdout, /^seamlessctl (\S+)\nseamless \1\n$/);
  const named = run("status", "--service", "default");
  assert.equal(named.status, 1);
  assert.match(
    named.stderr,
    /there is: web\nhint: --service names another; `seamlessctl service list` shows all/,
  );
});

test("a configuration file has several services; SIGHUP follows what has changed in it", async (t) => {
  const [a, b, c] = [await startNamed(t, "a"), await startNamed(t, "b"), await startNamed(t, "c")];
  const file = join(folder(t), "seamless.yaml");
  const socket = join(folder(t), "b.sock");
  const write = (...services: readonly string[]): void =>
    writeFileSync(file, `log_format: json\nhttp_port: 0\ngrpc_port: 0\nservices:\n${services.join("\n")}\n`);
  const one = `  one: {listen: "127.0.0.1:0", backends: "${a.address}"}`;
  write(one, `  two: {listen: "unix:${socket}", backends: ["${b.address}"]}`);
  const proxy = await startConfigured(t, file);
  const services = await proxy.client.listServices();
  assert.deepEqual(
    services.map(({ service }) => service),
    ["one", "two"],
  );
  const port = portOf(services[0]?.listenAddresses[0]);
  assert.deepEqual([await ask({ port }), await ask({ path: socket })], ["a", "b"]);

  await proxy.client.set([b.address], { service: "one" });
  write(one, `  three: {listen: "127.0.0.1:0", backends: "${c.address}"}`);
  proxy.child.kill("SIGHUP");
  await proxy.logged("reloaded");
  const after = await proxy.client.listServices();
  assert.deepEqual(
    after.map(({ service }) => service),
    ["one", "three"],
  );
  assert.equal(await ask({ port }), "b", "what the file did not change stays as it was");
  assert.equal(await ask({ port: portOf(after[1]?.listenAddresses[0]) }), "c");
  assert.equal(await ask({ path: socket }), "error");

  write("  one: {lisen: 1}");
  proxy.child.kill("SIGHUP");
  const { reason } = await proxy.logged("reload-failed");
  assert.match(String(reason), /seamless\.yaml:5: services\.one\.lisen: there is no such field/);
  assert.equal(await ask({ port }), "b");
});

for (const engine of ["native", "node"])
  test(`${engine}: a service can take the address of one that is gone, or has left it, in one reload`, async (t) => {
    const [a, b] = [await startNamed(t, "a"), await startNamed(t, "b")];
    const file = join(folder(t), "seamless.yaml");
    const [one, two, three] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`);
    assert.ok(one && two && three);
    const write = (listen: Readonly<Record<string, string>>): void => {
      const services = Object.entries(listen).map(([name, address]) => {
        return `  ${name}: {listen: "${address}", backends: "${name === "b" ? b.address : a.address}"}`;
      });
      const rest = `log_format: json\nengine: ${engine}\nhttp_port: 0\ngrpc_port: 0\n`;
      writeFileSync(file, `${rest}services:\n${services.join("\n")}\n`);
    };
    write({ a: one, gone: two, b: three });
    const proxy = await startConfigured(t, file);
    write({ a: two.replace("127.0.0.1", "0.0.0.0"), b: one });
    proxy.child.kill("SIGHUP");
    await proxy.logged("reloaded");
    assert.deepEqual([await ask({ port: portOf(two) }), await ask({ port: portOf(one) })], ["a", "b"]);
    assert.equal(await ask({ port: portOf(three) }), "error");
  });

test("a reload with an address that another program has changes nothing", async (t) => {
  const file = join(folder(t), "seamless.yaml");
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const write = (limit: number, listen: string): void =>
    writeFileSync(
      file,
      "log_format: json\nhttp_port: 0\ngrpc_port: 0\nservices:\n" +
        `  a: {listen: "127.0.0.1:0", max_connections: ${limit}}\n  b: {listen: ["127.0.0.1:0"${listen}]}\n`,
    );
  write(1, "");
  const proxy = await startConfigured(t, file);
  write(2, `, "127.0.0.1:${port}"`);
  proxy.child.kill("SIGHUP");
  assert.match(String((await proxy.logged("reload-failed"))["reason"]), /is in use already/);
  const limits = async (): Promise<readonly (number | undefined)[]> =>
    (await proxy.client.listServices()).map(({ settings }) => settings?.maxConnections);
  assert.deepEqual(await limits(), [1, 0]);
  taken.close();
  await once(taken, "close");
  proxy.child.kill("SIGHUP");
  await proxy.logged("reloaded");
  assert.deepEqual(await limits(), [2, 0]);
});

test("seamless check says what is wrong, with line and field, and exits 1; nothing wrong: 0", (t) => {
  const file = join(folder(t), "seamless.yaml");
  const check = (text: string): { status: number | null; stdout: string; stderr: string } => {
    writeFileSync(file, text);
    return spawnSync(process.execPath, [daemon, "check", file], { encoding: "utf8" });
  };
  const right = check("services: {web: {listen: 8080}}");
  assert.deepEqual([right.status, right.stdout, right.stderr], [0, `${file} is right; services: web\n`, ""]);
  const wrong = check("services: {web: {listen: 8080, health: ftp}}\nx: 1");
  assert.equal(wrong.status, 1);
  assert.match(
    wrong.stderr,
    /^seamless: .*yaml:1: services\.web\.health: .*\nseamless: .*yaml:2: x: there is no/m,
  );
});

test("services are listed, created and deleted by seamlessctl; created ones outlive a restart", async (t) => {
  const a = await startNamed(t, "a");
  const at = folder(t);
  const file = join(at, "seamless.yaml");
  writeFileSync(
    file,
    `log_format: json\nstate: ${at}/state\nhttp_port: 0\ngrpc: unix:${at}/grpc.sock\nservices: {web: {listen: "127.0.0.1:0"}}\n`,
  );
  const run = (...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [ctl, "--address", `unix:${at}/grpc.sock`, ...args]);
      let [out, err] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
      child.on("close", (code) => resolve({ code, out, err }));
    });
  const proxy = await startConfigured(t, file);
  const created = await run("service", "create", "made", a.address, "--listen", "127.0.0.1:0");
  assert.equal(created.code, 0, created.err);
  const port = portOf(/127\.0\.0\.1:\d+/.exec(created.out)?.[0]);
  assert.equal(await ask({ port }), "a");
  assert.match((await run("service", "list")).out, /^made +127\.0\.0\.1:\d+ +1 +0 +1 +127/m);
  const again = await run("service", "create", "made", "--listen", "127.0.0.1:0");
  assert.deepEqual([again.code, /exists already/.test(again.err)], [1, true]);
  const configured = await run("service", "delete", "web");
  assert.deepEqual([configured.code, /configuration/.test(configured.err)], [1, true]);
  assert.equal(await proxy.stop(), 0);

  const second = await startConfigured(t, file);
  const [made] = await second.client.listServices();
  assert.deepEqual([made?.service, made?.backends[0]?.address], ["made", a.address]);
  assert.equal((await run("service", "delete", "made")).code, 0);
  assert.deepEqual(
    (await second.client.listServices()).map(({ service }) => service),
    ["web"],
  );
});

test("by source_hash a client goes to the same backend as long as that is there, and back when it is again", async (t) => {
  const backends = await Promise.all(["a", "b", "c"].map((name) => startNamed(t, name)));
  const addresses = backends.map(({ address }) => address);
  const file = join(folder(t), "seamless.yaml");
  const write = (balance: string): void =>
    writeFileSync(
      file,
      `log_format: json\nhttp_port: 0\ngrpc_port: 0\nservices:\n  web: {listen: "127.0.0.1:0", backends: ${JSON.stringify(addresses)}, balance: ${balance}}\n`,
    );
  write("source_hash");
  const proxy = await startConfigured(t, file);
  const { client, child, port } = proxy;
  const askAll = (): Promise<string[]> =>
    Promise.all(Array.from({ length: 30 }, (_, last) => ask({ port, localAddress: `127.0.0.${last + 1}` })));
  const before = await askAll();
  assert.deepEqual(new Set(before), new Set(["a", "b", "c"]));
  assert.deepEqual(await askAll(), before);
  await client.remove(addresses.slice(1, 2), { service: "web" });
  const without = await askAll();
  assert.ok(!without.includes("b"));
  const moved = without.filter((name, client) => before[client] !== "b" && before[client] !== name);
  assert.ok(moved.length <= 3, `${moved.length} clients of the others moved`);
  await client.set(addresses, { service: "web" });
  assert.deepEqual(await askAll(), before);
  write("round_robin");
  child.kill("SIGHUP");
  await proxy.logged("reloaded");
  const [first, second] = [await ask({ port }), await ask({ port })];
  assert.notEqual(first, second);
});
