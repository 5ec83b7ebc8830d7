import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { EtcdError } from "./etcd-error.js";
import { createCertificates } from "./testing/certificates.js";
import { clientOf, followed } from "./testing/client.js";
import { type EtcdServer, hasEtcd, startEtcd } from "./testing/etcd-server.js";
import { Recorder } from "./testing/recorder.js";

const isOf = (kind: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof EtcdError, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, text);
  assert.doesNotMatch(`${error.message} ${String(error.stack)} ${JSON.stringify(error)}`, /pass-word/);
  return true;
};

/** Node gives each of them once in the life of a process. */
const warnings: Error[] = [];
process.on("warning", (warning) => warnings.push(warning));

const LOGIN = { user: "seamless", password: "pass-word" };
const ROOT = "--user=root:root";

/** An etcd in which `seamless` may read and write what begins with k/. */
async function startSecured(t: TestContext, ...flags: string[]): Promise<EtcdServer> {
  const server = await startEtcd(t, { flags });
  server.ctl("user", "add", "root:root");
  server.ctl("user", "add", `${LOGIN.user}:${LOGIN.password}`);
  server.ctl("role", "add", "proxy");
  server.ctl("role", "grant-permission", "proxy", "--prefix=true", "readwrite", "k/");
  server.ctl("user", "grant-role", "seamless", "proxy");
  server.ctl("user", "grant-role", "root", "root");
  server.ctl("auth", "enable");
  return server;
}

test("with a login, what its role allows can be done, and nothing else", async (t) => {
  if (!hasEtcd(t)) return;
  const client = clientOf(t, [await startSecured(t)], { login: LOGIN });
  const recorder = await followed(t, client, "k/");
  assert.equal((await client.commit([], [{ put: "k/1", value: "1" }])).done, true);
  await recorder.until(() => recorder.value("k/1") === "1");
  await assert.rejects(client.read({ key: "l" }), isOf("denied", /permission denied/));
  await assert.rejects(client.commit([], [{ put: "l", value: "" }]), isOf("denied", /permission denied/));
  const other = new Recorder();
  t.after(() => following.close());
  const following = client.follow("l", other);
  await other.until(() => other.errors.length > 0);
  assert.match(other.errors[0] ?? "", /permission denied/);
});

test("a wrong password, and none at all, are denied, and no text has the password", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startSecured(t);
  const wrong = clientOf(t, [server], { login: { user: "seamless", password: "pass-word-2" } });
  await assert.rejects(wrong.read({ key: "k/1" }), isOf("denied", /invalid user ID or password/));
  const recorder = new Recorder();
  const following = wrong.follow("k/", recorder);
  t.after(() => following.close());
  await recorder.until(() => recorder.errors.length > 0);
  assert.match(recorder.errors[0] ?? "", /invalid user ID or password/);
  assert.doesNotMatch(recorder.errors[0] ?? "", /pass-word/);
  const nobody = clientOf(t, [server]);
  await assert.rejects(nobody.read({ key: "k/1" }), isOf("denied", /user name is empty/));
});

/** A restart would not do, as etcd makes tokens again when it reads its log. */
function forgetTokens(server: EtcdServer): void {
  server.ctl(ROOT, "user", "delete", LOGIN.user);
  server.ctl(ROOT, "user", "add", `${LOGIN.user}:${LOGIN.password}`);
  server.ctl(ROOT, "user", "grant-role", LOGIN.user, "proxy");
}

test("a token that etcd has forgotten is replaced without the caller seeing it", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startSecured(t);
  const client = clientOf(t, [server], { login: LOGIN });
  assert.equal((await client.commit([], [{ put: "k/1", value: "1" }])).done, true);
  forgetTokens(server);
  assert.equal((await client.commit([], [{ put: "k/2", value: "2" }])).done, true);
  forgetTokens(server);
  assert.equal((await client.read({ key: "k/2" })).entries[0]?.value, "2");
});

test("a watch goes on with a new token where it was", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startSecured(t);
  const recorder = await followed(t, clientOf(t, [server], { login: LOGIN }), "k/");
  forgetTokens(server);
  await server.kill();
  await recorder.until(() => !recorder.connected);
  await server.start();
  server.ctl(ROOT, "put", "k/1", "1");
  await recorder.until(() => recorder.connected && recorder.value("k/1") === "1");
  assert.equal(recorder.snapshots.length, 1);
  assert.deepEqual(recorder.faults, []);
});

test("a lease is kept, and written under, with a new token", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startSecured(t);
  const client = clientOf(t, [server], { login: LOGIN });
  const lease = client.holdLease(30, { onState: () => undefined });
  t.after(() => lease.release());
  const recorder = await followed(t, clientOf(t, [server], { login: LOGIN }), "k/");
  lease.put("k/a", "1");
  await recorder.until(() => recorder.value("k/a") === "1");
  forgetTokens(server);
  lease.put("k/a", "2");
  await recorder.until(() => recorder.value("k/a") === "2");
  assert.equal(recorder.events.filter(({ type }) => type === "delete").length, 0);
});

test("authentication that is switched on, or off, while the client runs", async (t) => {
  if (!hasEtcd(t)) return;
  const server = await startSecured(t);
  server.ctl(ROOT, "auth", "disable");
  const client = clientOf(t, [server], { login: LOGIN });
  assert.equal((await client.commit([], [{ put: "k/1", value: "1" }])).done, true);
  server.ctl("auth", "enable");
  assert.equal((await client.commit([], [{ put: "k/2", value: "2" }])).done, true);
  server.ctl(ROOT, "auth", "disable");
  assert.equal((await client.commit([], [{ put: "k/3", value: "3" }])).done, true);
});

test("TLS: a server is trusted if its authority is given, and the reason is told if it isn't", async (t) => {
  if (!hasEtcd(t)) return;
  const { ca, server: pair, client: own, read } = createCertificates(t);
  const server = await startEtcd(t, { tls: { ca, ...pair, mutual: false } });
  const client = clientOf(t, [server], { tls: { ca: read(ca) } });
  const recorder = await followed(t, client, "k/");
  await client.commit([], [{ put: "k/1", value: "1" }]);
  await recorder.until(() => recorder.value("k/1") === "1");
  const distrustful = clientOf(t, [server], { tls: {} });
  await assert.rejects(distrustful.read({ key: "k" }, 300), isOf("unreachable", /certificate/));
  const plain = clientOf(t, [server], { callTimeoutMs: 300 });
  await assert.rejects(plain.read({ key: "k" }, 300), isOf("unreachable", /127\.0\.0\.1/));
  const other = clientOf(t, [server], {
    tls: { ca: read(createCertificates(t).ca), cert: read(own.cert), key: read(own.key) },
  });
  await assert.rejects(other.read({ key: "k" }, 300), isOf("unreachable", /certificate/));
});

test("mutual TLS: etcd lets in who shows a certificate, and no one else", async (t) => {
  if (!hasEtcd(t)) return;
  const { ca, server: pair, client: own, read } = createCertificates(t);
  const server = await startEtcd(t, { tls: { ca, ...pair, mutual: true } });
  const client = clientOf(t, [server], { tls: { ca: read(ca), cert: read(own.cert), key: read(own.key) } });
  assert.equal((await client.commit([], [{ put: "k/1", value: "1" }])).done, true);
  const nobody = clientOf(t, [server], { tls: { ca: read(ca) }, callTimeoutMs: 500 });
  await assert.rejects(nobody.read({ key: "k" }, 1_000), isOf("unreachable", /./));
});

test("TLS to an address: its certificate must be for that address, and Node has nothing to warn of", async (t) => {
  if (!hasEtcd(t)) return;
  for (const names of ["IP:127.0.0.2", "DNS:localhost"]) {
    const { ca, server: pair, read } = createCertificates(t, names);
    const server = await startEtcd(t, { tls: { ca, ...pair, mutual: false } });
    const client = clientOf(t, [server], { tls: { ca: read(ca) } });
    await assert.rejects(
      client.read({ key: "k" }, 300),
      isOf("unreachable", /altnames: .*127\.0\.0\.1 is not in/),
    );
    const { port } = server.endpoint;
    const named = clientOf(t, [{ endpoint: { host: "localhost", port } }], { tls: { ca: read(ca) } });
    if (names === "DNS:localhost") await named.read({ key: "k" });
  }
  assert.deepEqual(warnings, []);
});
