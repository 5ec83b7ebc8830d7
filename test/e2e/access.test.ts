import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connect } from "@seamless/sdk";
import { ctl, daemon, startConfigured, startProxy } from "../support/proxy.js";
import { until } from "../support/until.js";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "seamless-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A token, and its entry for the tokens file. */
function makeToken(...args: readonly string[]): { token: string; entry: string } {
  const { stdout, stderr } = spawnSync(process.execPath, [daemon, "token", ...args], { encoding: "utf8" });
  return { token: stdout.trim(), entry: stderr.slice(stderr.indexOf("- name")) };
}

function assertUnknownTo(log: string, { token, entry }: ReturnType<typeof makeToken>): void {
  const [hash = "none"] = /[0-9a-f]{64}/.exec(entry) ?? [];
  for (const secret of [token, token.slice(8), hash]) assert.ok(!log.includes(secret));
}

interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly clientCert: string;
  readonly clientKey: string;
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}

function makeCertificates(at: string, generation = "1"): Certificates {
  const file = (name: string): string => join(at, `${name}-${generation}.pem`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    file("ca-key"),
    "-out",
    file("ca"),
    "-subj",
    "/CN=test-ca",
    "-days",
    "2",
  );
  for (const [name, subject, extension] of [
    ["server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ["client", "/CN=deployer", "extendedKeyUsage=clientAuth"],
  ] as const) {
    writeFileSync(file(`${name}-ext`), extension);
    openssl("req", ...key, "-keyout", file(`${name}-key`), "-out", file(`${name}-csr`), "-subj", subject);
    const signing = ["-CA", file("ca"), "-CAkey", file("ca-key"), "-CAcreateserial", "-days", "2"];
    openssl(
      "x509",
      "-req",
      "-in",
      file(`${name}-csr`),
      ...signing,
      "-extfile",
      file(`${name}-ext`),
      "-out",
      file(name),
    );
  }
  return {
    ca: file("ca"),
    cert: file("server"),
    key: file("server-key"),
    clientCert: file("client"),
    clientKey: file("client-key"),
  };
}

const read = (path: string): string => readFileSync(path, "utf8");

test("a token for one service can neither read nor change another, and none can do nothing", async (t) => {
  const at = folder(t);
  const [web, ops, reader, db] = [
    makeToken("web-ci", "--verbs", "deploy", "--services", "web"),
    makeToken("ops", "--verbs", "admin"),
    makeToken("board", "--verbs", "read"),
    makeToken("db-admin", "--verbs", "admin", "--services", "db"),
  ];
  const tokens = join(at, "tokens.yaml");
  writeFileSync(tokens, [web, ops, reader, db].map(({ entry }) => entry).join(""), { mode: 0o600 });
  const config = join(at, "seamless.yaml");
  const services = 'services: {web: {listen: "127.0.0.1:0", backends: "a:1"}, db: {listen: "127.0.0.1:0"}}';
  writeFileSync(config, `log_format: json\nhttp_port: 0\ngrpc_port: 0\ntokens: ${tokens}\n${services}\n`);
  const proxy = await startConfigured(t, config);
  const as = (token: string | undefined, service: string) => {
    const client = connect({ address: proxy.grpc, service, ...(token !== undefined && { token }) });
    t.after(() => client.close());
    return client;
  };

  await as(web.token, "web").add(["b:1"]);
  const { proxy: info } = await as(web.token, "web").get();
  assert.deepEqual(info.services, ["web"], "nor does it learn what else there is");
  assert.equal((await as(web.token, "web").listServices()).length, 1);
  const denied = { code: "PERMISSION_DENIED" };
  for (const service of ["db", "default", "none"]) {
    const client = as(web.token, service);
    await assert.rejects(client.get(), denied);
    await assert.rejects(client.add(["c:1"]), denied);
    await assert.rejects(client.deploy(["c:1"]), denied);
    await assert.rejects(client.watch()[Symbol.asyncIterator]().next(), denied);
  }
  await assert.rejects(as(web.token, "web").createService("x", { listen: ["127.0.0.1:0"] }), denied);
  await assert.rejects(as(web.token, "web").setHealthCheck({ type: "tcp" }), denied);
  await assert.rejects(as(reader.token, "web").remove(["b:1"]), denied);
  assert.equal((await as(reader.token, "db").get()).state.service, "db");
  await as(db.token, "db").setHealthCheck({ type: "tcp" });
  await assert.rejects(as(db.token, "db").deleteService("web"), denied);
  await assert.rejects(as(db.token, "db").upgrade(), denied, "an upgrade is done to all services");
  for (const wrong of [undefined, "sml_guess", `${ops.token}x`])
    await assert.rejects(as(wrong, "web").get(), { code: "UNAUTHENTICATED" });
  await as(ops.token, "db").setHealthCheck({ type: "tcp" });
  assert.match((await as(ops.token, "web").history())[0]?.actor ?? "", /^web-ci/);

  const curl = (path: string, ...args: readonly string[]): string =>
    execFileSync("curl", ["-s", "-w", " %{http_code}", ...args, `${proxy.http}${path}`], {
      encoding: "utf8",
    });
  assert.match(curl("/get?service=web"), /401$/);
  const bearer = ["-H", `Authorization: Bearer ${web.token}`];
  assert.equal(curl("/get?service=web", ...bearer), "a:1,b:1\n 200");
  assert.match(curl("/set?service=db&backends=x:1", ...bearer), /403$/);
  assert.match(curl("/add?service=web&backend=c:1", ...bearer), /200$/);

  await until("the audit line of the shim", () =>
    proxy.log.some(({ event, from }) => event === "audit" && String(from).startsWith("http 127.0.0.1")),
  );
  const audit = proxy.log.filter(({ event }) => event === "audit");
  const line = audit.find(({ call }) => call === "add") ?? assert.fail();
  assert.deepEqual([line["service"], line["outcome"], line["before"], line["after"]], ["web", "done", 1, 2]);
  assert.ok(audit.some(({ call, outcome }) => call === "deploy" && outcome === "PERMISSION_DENIED"));
  for (const made of [web, ops, reader]) assertUnknownTo(JSON.stringify(proxy.log), made);

  writeFileSync(tokens, ops.entry);
  await proxy.logged("credentials-reloaded");
  await assert.rejects(as(web.token, "web").get(), { code: "UNAUTHENTICATED" });
  writeFileSync(tokens, "- broken");
  await proxy.logged("credentials-refused");
  await as(ops.token, "web").get();
});

/** Connects, and is turned away, as there is no backend. */
async function callInVain(address = ""): Promise<void> {
  const socket = createConnection(Number(address.split(":").at(-1)), "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("close", resolve));
}

test("a token for one service is not told how busy the proxy is with the others, nor which there are", async (t) => {
  const at = folder(t);
  const web = makeToken("web", "--verbs", "read", "--services", "web");
  const ghost = makeToken("ghost", "--verbs", "admin", "--services", "ghost");
  const ops = makeToken("ops", "--verbs", "admin");
  const tokens = join(at, "tokens.yaml");
  writeFileSync(tokens, [web, ghost, ops].map(({ entry }) => entry).join(""), { mode: 0o600 });
  const config = join(at, "seamless.yaml");
  const services = 'services: {web: {listen: "127.0.0.1:0"}, db: {listen: "127.0.0.1:0"}}';
  writeFileSync(config, `log_format: json\nhttp_port: 0\ngrpc_port: 0\ntokens: ${tokens}\n${services}\n`);
  const proxy = await startConfigured(t, config);
  const as = ({ token }: { readonly token: string }, service: string) => {
    const client = connect({ address: proxy.grpc, service, token });
    t.after(() => client.close());
    return client;
  };
  for (const service of ["web", "db", "db"])
    await callInVain((await as(ops, service).get()).state.listenAddresses[0]);
  await until("both to have counted", async () => {
    const { acceptedConnections, unservedConnections } = (await as(ops, "web").get()).proxy;
    return acceptedConnections === 3n && unservedConnections === 3n;
  });
  const { proxy: seen } = await as(web, "web").get();
  assert.deepEqual([seen.acceptedConnections, seen.unservedConnections, seen.services], [1n, 1n, ["web"]]);

  const ask = async ({ token }: { readonly token: string }, path: string): Promise<string> =>
    (await fetch(`${proxy.http}${path}`, { headers: { Authorization: `Bearer ${token}` } })).text();
  const [part, all] = [await ask(web, "/metrics"), await ask(ops, "/metrics")];
  assert.match(all, /^process_open_fds/m);
  assert.match(part, /^seamless_connections_accepted_total\{service="web"\} 1$/m);
  assert.match(part, /^seamless_open_connections 0$/m);
  assert.doesNotMatch(part, /^(process|nodejs)_|"db"/m);

  const unknown = { code: "SERVICE_NOT_FOUND", message: /^(?!.*web)/ };
  await assert.rejects(as(ghost, "ghost").get(), unknown);
  await assert.rejects(as(ghost, "ghost").watch()[Symbol.asyncIterator]().next(), unknown);
  await assert.rejects(as(ghost, "ghost").deleteService("ghost"), unknown);
  assert.equal(await ask(ghost, "/get?service=ghost"), "error: service 'ghost' not found\n");
});

test("with mutual TLS only a certificate of the authority gets in, and its name is in the history", async (t) => {
  const at = folder(t);
  const own = makeCertificates(at);
  const foreign = makeCertificates(at, "foreign");
  const tls = ["--tls-cert", own.cert, "--tls-key", own.key, "--tls-client-ca", own.ca];
  const proxy = await startProxy(t, { backends: ["a:1"], args: tls });
  const as = (files: Certificates, ca = own.ca) => {
    const client = connect({
      address: proxy.grpc,
      retry: { attempts: 1 },
      tls: { ca: read(ca), cert: read(files.clientCert), key: read(files.clientKey) },
    });
    t.after(() => client.close());
    return client;
  };
  await as(own).add(["b:1"], {});
  const [newest] = await as(own).history();
  assert.ok(newest);
  assert.equal(newest.actor, "certificate deployer");
  assert.match(newest.from, /^127\.0\.0\.1:\d+$/);
  await assert.rejects(as(foreign).get(), { code: "UNAVAILABLE" });
  await assert.rejects(as(own, foreign.ca).get(), { code: "UNAVAILABLE" });
  await assert.rejects(proxy.client.get(), { code: "UNAVAILABLE" });
  const flags = ["--tls-ca", own.ca, "--tls-cert", own.clientCert, "--tls-key", own.clientKey];
  const { stdout, stderr } = spawnSync(process.execPath, [ctl, "-a", proxy.grpc, ...flags, "get"], {
    encoding: "utf8",
  });
  assert.match(stdout, /b:1/);
  assert.equal(stderr, "");
});

test("a new certificate is used when the files change, and open streams live on", async (t) => {
  const at = folder(t);
  const [first, second] = [makeCertificates(at, "1"), makeCertificates(at, "2")];
  const [cert, key] = [join(at, "cert.pem"), join(at, "key.pem")];
  const install = (from: Certificates): void => {
    writeFileSync(key, read(from.key));
    writeFileSync(cert, read(from.cert));
  };
  install(first);
  const proxy = await startProxy(t, { backends: ["a:1"], args: ["--tls-cert", cert, "--tls-key", key] });
  const as = ({ ca }: Certificates) => {
    const client = connect({ address: proxy.grpc, retry: { attempts: 1 }, tls: { ca: read(ca) } });
    t.after(() => client.close());
    return client;
  };
  const before = as(first);
  const watch = before.watch()[Symbol.asyncIterator]();
  await watch.next();
  install(second);
  await proxy.logged("credentials-reloaded");
  await until("the new certificate", async () =>
    as(second)
      .get()
      .then(
        () => true,
        () => false,
      ),
  );
  await assert.rejects(as(first).get(), { code: "UNAVAILABLE" });
  const next = watch.next();
  await as(second).add(["b:1"]);
  const { value } = (await next) as IteratorResult<{ revision: bigint }, undefined>;
  assert.equal(value?.revision, 2n);
});

test("management that others could reach, and a tokens file that others could write, are refused", (t) => {
  const at = folder(t);
  const start = (...args: readonly string[]): { status: number | null; stderr: string } =>
    spawnSync(process.execPath, [daemon, "127.0.0.1:0", "a:1", ...args], {
      encoding: "utf8",
      timeout: 10_000,
    });
  const open = start("--grpc", "0.0.0.0:0", "--http-port", "0");
  assert.equal(open.status, 2);
  assert.match(open.stderr, /^seamless: management on 0\.0\.0\.0:0 could be reached .* give --tls-cert/);
  const tokens = join(at, "tokens.yaml");
  writeFileSync(tokens, makeToken("ci").entry);
  chmodSync(tokens, 0o666);
  const loose = start("--tokens", tokens, "--http-port", "0", "--grpc-port", "0", "--log-level", "error");
  assert.equal(loose.status, 1);
  assert.match(loose.stderr, /^seamless: .*tokens\.yaml can't be used: others .*chmod 600/);
});
