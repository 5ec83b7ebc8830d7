import assert from "node:assert/strict";
import { test } from "node:test";
import { CommanderError } from "commander";
import { DEFAULT_SETTINGS } from "../control/service-settings.js";
import type { Config } from "./config.js";
import { createDaemonProgram, translateGoFlags } from "./daemon-program.js";
import { dropFalseFlags } from "./flag.js";

interface Outcome {
  readonly config?: Config;
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function parse(...argv: string[]): Promise<Outcome> {
  let [stdout, stderr] = ["", ""];
  let config: Config | undefined;
  const program = createDaemonProgram("1.2.3", {
    run: (read) => {
      config = read;
      return Promise.resolve();
    },
    checked: (read) => (config = read),
    tokenMade: () => undefined,
  });
  dropFalseFlags(program, process.env);
  for (const command of [program, ...program.commands])
    command.configureOutput({
      writeOut: (text) => (stdout += text),
      writeErr: (text) => (stderr += text),
    });
  try {
    await program.parseAsync(translateGoFlags(argv), { from: "user" });
  } catch (error) {
    assert.ok(error instanceof CommanderError);
    return { exitCode: error.exitCode, stdout, stderr };
  }
  assert.ok(config);
  return { config, stdout, stderr };
}

test("two arguments are enough; the rest has defaults", async () => {
  const { config } = await parse("8080", "localhost:4444");
  assert.deepEqual(config, {
    services: [
      {
        name: "default",
        listen: [{ host: "", port: 8080 }],
        backends: [{ address: "localhost:4444" }],
        settings: DEFAULT_SETTINGS,
      },
    ],
    grpc: { host: "127.0.0.1", port: 6778 },
    http: { host: "127.0.0.1", port: 6777 },
    credentials: {
      tlsCert: undefined,
      tlsKey: undefined,
      tlsClientCa: undefined,
      tokens: undefined,
    },
    shutdownTimeoutMs: 30_000,
    upgradeTimeoutMs: 60_000,
    upgradeDrainLimitMs: 3_600_000,
    state: undefined,
    resetState: false,
    store: undefined,
    proxyName: undefined,
    engine: "auto",
    threads: undefined,
    logLevel: "info",
    logFormat: "text",
    logRate: 10,
  } satisfies Config);
});

for (const [text, listen] of [
  ["8080", { host: "", port: 8080 }],
  [":8080", { host: "", port: 8080 }],
  ["*:8080", { host: "", port: 8080 }],
  ["0", { host: "", port: 0 }],
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["localhost:80", { host: "127.0.0.1", port: 80 }],
  ["[::1]:8080", { host: "::1", port: 8080 }],
  ["unix:/run/web.sock", { path: "/run/web.sock" }],
] as const) {
  test(`LISTEN ${text} is understood`, async () => {
    assert.deepEqual((await parse(text, "a:1")).config?.services[0]?.listen, [listen]);
  });
}

test("BACKENDS is a comma list, spaces and weights allowed", async () => {
  assert.deepEqual((await parse("80", "a:1, B:2=3 ,[::1]:3")).config?.services[0]?.backends, [
    { address: "a:1" },
    { address: "b:2", weight: 3 },
    { address: "[::1]:3" },
  ]);
});

for (const flag of [
  ["-httpPort", "7000"],
  ["-httpPort=7000"],
  ["--httpPort", "7000"],
  ["--http-port=7000"],
]) {
  test(`the Go program's flag works as ${flag.join(" ")}`, async () => {
    assert.deepEqual((await parse(...flag, "80", "a:1")).config?.http, { host: "127.0.0.1", port: 7000 });
  });
}

test("-version and --version print the version and exit 0", async () => {
  for (const flag of ["-version", "--version"]) {
    const { stdout, exitCode } = await parse(flag);
    assert.deepEqual({ stdout, exitCode }, { stdout: "seamless 1.2.3\n", exitCode: 0 });
  }
});

test("the curl interface can be put on a Unix socket or another loopback address, or be off", async () => {
  const http = async (...argv: string[]): Promise<Config["http"]> => {
    const { config } = await parse("80", "a:1", ...argv);
    return (config ?? assert.fail()).http;
  };
  assert.deepEqual(await http("--http", "unix:/run/s.sock"), { path: "/run/s.sock" });
  assert.deepEqual(await http("--http", "[::1]:9"), { host: "::1", port: 9 });
  assert.equal(await http("--http", "off"), undefined);
  // As with --grpc, it goes before the two that it is both in one of.
  assert.equal(await http("--http", "off", "--http-port", "9", "--http-host", "10.0.0.1"), undefined);
});

test("gRPC can be put on a Unix socket or another loopback address", async () => {
  assert.deepEqual((await parse("80", "a:1", "--grpc", "unix:/run/s.sock")).config?.grpc, {
    path: "/run/s.sock",
  });
  assert.deepEqual((await parse("80", "a:1", "--grpc", "[::1]:9")).config?.grpc, { host: "::1", port: 9 });
  assert.deepEqual((await parse("80", "a:1", "--grpc-host", "localhost", "--grpc-port", "9")).config?.grpc, {
    host: "127.0.0.1",
    port: 9,
  });
});

test("management on any address is possible with TLS and a credential", async () => {
  const tls = ["--tls-cert", "c", "--tls-key", "k"];
  for (const credential of [
    ["--tokens", "t"],
    ["--tls-client-ca", "ca"],
  ]) {
    const { config } = await parse("80", "a:1", "--grpc", "10.0.0.1:9", ...tls, ...credential);
    assert.deepEqual(config?.grpc, { host: "10.0.0.1", port: 9 });
  }
});

test("every flag can also come from the environment, and the command line wins", async (t) => {
  const environment = {
    SEAMLESS_HTTP_PORT: "1",
    SEAMLESS_HTTP_HOST: "::1",
    SEAMLESS_GRPC_PORT: "2",
    SEAMLESS_GRPC_HOST: "127.0.0.2",
    SEAMLESS_CONNECT_TIMEOUT: "4s",
    SEAMLESS_QUEUE_TIMEOUT: "5s",
    SEAMLESS_IDLE_TIMEOUT: "8s",
    SEAMLESS_HALF_CLOSE_TIMEOUT: "9s",
    SEAMLESS_MAX_CONNECTIONS: "10",
    SEAMLESS_MAX_CONNECTIONS_PER_CLIENT: "11",
    SEAMLESS_MAX_ACCEPTS_PER_SECOND: "12",
    SEAMLESS_BALANCE: "source_hash",
    SEAMLESS_SEND_PROXY: "v2",
    SEAMLESS_ACCEPT_PROXY_FROM: "10.0.0.0/8, ::1",
    SEAMLESS_TLS_CERT: "cert",
    SEAMLESS_TLS_KEY: "key",
    SEAMLESS_TLS_CLIENT_CA: "ca",
    SEAMLESS_TOKENS: "tokens",
    SEAMLESS_SHUTDOWN_TIMEOUT: "6s",
    SEAMLESS_UPGRADE_TIMEOUT: "5s",
    SEAMLESS_UPGRADE_DRAIN_LIMIT: "2h",
    SEAMLESS_STORE: "etcd://E1:2379,[::1]:2379/a/b/",
    SEAMLESS_STORE_TLS_CA: "/ca",
    SEAMLESS_STORE_LOGIN: "/login",
    SEAMLESS_PROXY_NAME: "web1",
    SEAMLESS_PROXY_LEASE: "7s",
    SEAMLESS_ENGINE: "node",
    SEAMLESS_THREADS: "7",
    SEAMLESS_LOG_LEVEL: "warn",
    SEAMLESS_LOG_FORMAT: "json",
    SEAMLESS_LOG_RATE: "0",
  };
  Object.assign(process.env, environment);
  t.after(() => Object.keys(environment).forEach((name) => Reflect.deleteProperty(process.env, name)));
  const { config } = await parse("80", "a:1", "--http-port", "3");
  assert.deepEqual(config, {
    services: [
      {
        name: "default",
        listen: [{ host: "", port: 80 }],
        backends: [{ address: "a:1" }],
        settings: {
          ...DEFAULT_SETTINGS,
          connectTimeoutMs: 4_000,
          queueTimeoutMs: 5_000,
          idleTimeoutMs: 8_000,
          halfCloseTimeoutMs: 9_000,
          maxConnections: 10,
          maxConnectionsPerClient: 11,
          maxAcceptsPerSecond: 12,
          balance: "source_hash",
          sendProxy: 2,
          acceptProxyFrom: ["10.0.0.0/8", "::1/128"],
        },
      },
    ],
    http: { host: "::1", port: 3 },
    grpc: { host: "127.0.0.2", port: 2 },
    credentials: {
      tlsCert: "cert",
      tlsKey: "key",
      tlsClientCa: "ca",
      tokens: "tokens",
    },
    shutdownTimeoutMs: 6_000,
    upgradeTimeoutMs: 5_000,
    upgradeDrainLimitMs: 7_200_000,
    state: undefined,
    resetState: false,
    store: {
      url: {
        endpoints: [
          { host: "e1", port: 2379 },
          { host: "::1", port: 2379 },
        ],
        prefix: "/a/b/",
      },
      tls: { ca: "/ca" },
      login: "/login",
      leaseSeconds: 7,
    },
    proxyName: "web1",
    engine: "node",
    threads: 7,
    logLevel: "warn",
    logFormat: "json",
    logRate: 0,
  } satisfies Config);
  const help = (await parse("--help")).stdout;
  for (const name of Object.keys(environment)) assert.match(help, new RegExp(name));
});

for (const [argv, complaint] of [
  [[], /missing required argument 'listen'/],
  [["80"], /missing required argument 'backends'/],
  [["80", "a:1", "b:1"], /too many arguments/],
  [["80", "a"], /'a' is not valid network address: the port is missing/],
  [["80", "a:1,"], /'' is not valid network address/],
  [["80", "a:1", "--accept-proxy-from", "10.0.0.0/33"], /no network/],
  [["80", "a:1", "--accept-proxy-from", "localhost"], /no network/],
  [["80", "a:1", "--balance", "random"], /least_connections/],
  [["80", "a:1", "--send-proxy", "v3"], /off, v1, v2/],
  [["80", "a:1", "--send-proxy", "v1", "--health", "grpc"], /not by grpc/],
  [["http", "a:1"], /'listen'/],
  [["70000", "a:1"], /a port is at most 65535/],
  [["web.example:80", "a:1"], /a port of an IP address or of localhost/],
  [["80", "a:1", "--http-port", "x"], /--http-port.*0 to 65535/s],
  [["80", "a:1", "--grpc-host", "0.0.0.0"], /loopback/],
  [["80", "a:1", "--http-host", "10.0.0.1"], /loopback/],
  [["80", "a:1", "--grpc", "10.0.0.1:1"], /loopback/],
  [["80", "a:1", "--http", "10.0.0.1:1"], /10\.0\.0\.1:1 could be reached .* loopback/],
  [["80", "a:1", "--http", "9000"], /loopback/],
  [["80", "a:1", "--http", "no"], /--http.*the port is missing/s],
  [["80", "a:1", "--http", "unix:s.sock"], /absolute path/],
  [["80", "a:1", "--grpc", "9000"], /loopback/],
  [["80", "a:1", "--grpc", "9000", "--tls-cert", "c", "--tls-key", "k"], /--tokens or --tls-client-ca/],
  [["80", "a:1", "--grpc", "9000", "--tokens", "t"], /--tls-cert/],
  [["80", "a:1", "--tls-cert", "c"], /--tls-key/],
  [["80", "a:1", "--tls-client-ca", "c"], /--tls-cert/],
  [["80", "a:1", "--grpc", "unix:s.sock"], /absolute path/],
  [["80", "a:1", "--connect-timeout", "3"], /such as 500ms/],
  [["80", "a:1", "--log-level", "loud"], /Allowed choices/],
  [["80", "a:1", "--engine", "steam"], /Allowed choices are auto, native, node/],
  [["80", "a:1", "--threads", "0"], /1 to 256/],
  [["80", "a:1", "--store", "http://e:1"], /does not begin with etcd:/],
  [["80", "a:1", "--store", "etcd://e"], /the port is missing/],
  [["80", "a:1", "--store", "etcd://e:1/a b"], /the prefix/],
  [["80", "a:1", "--store-login", "f"], /--store-login means nothing without --store/],
  [["80", "a:1", "--store-tls-ca", "f"], /--store-tls-ca means nothing without --store/],
  [["80", "a:1", "--proxy-name", "web1"], /--proxy-name means nothing without --store/],
  [["80", "a:1", "--proxy-lease", "5s"], /--proxy-lease means nothing without --store/],
  [["80", "a:1", "--reset-state"], /--reset-state means nothing without --state/],
  [["80", "a:1", "--health-interval", "2s"], /--health-interval means nothing without --health/],
  [
    ["80", "a:1", "--tls-key", "k", "--tls-client-ca", "c"],
    /--tls-key.*--tls-cert; --tls-client-ca.*--tls-cert/,
  ],
  [["6777", "a:1"], /service 'default' can't listen on :6777, which --http has/],
  [
    ["80", "a:1", "--http", "unix:/s", "--grpc", "unix:/run/../s"],
    /--http can't listen on unix:\/s, which --grpc/,
  ],
  [["80", "a:1", "--store", "etcd://e:1", "--store-tls-cert", "c"], /--store-tls-key/],
  [["80", "a:1", "--store", "etcd://e:1", "--proxy-lease", "1s"], /between 2s and 10m/],
  [["80", "a:1", "--proxy-name", "a b"], /printable/],
  [["80", "a:1", "--http-prot", "1"], /unknown option '--http-prot'/],
  [["check"], /missing required argument 'file'/],
  [["token"], /missing required argument 'name'/],
  [["token", "a b"], /1 to 64 letters/],
  [["token", "ci", "--verbs", "all"], /read, deploy, admin/],
  [["token", "ci", "--services", "web,a b"], /'a b' is no name for a service/],
] as const) {
  test(`seamless ${argv.join(" ")} is a usage error`, async () => {
    const { stderr, stdout, exitCode } = await parse(...argv);
    assert.match(stderr, complaint);
    assert.match(stderr, /^seamless: /);
    assert.equal(stdout, "");
    assert.notEqual(exitCode, 0);
  });
}

test("SEAMLESS_HTTP is --http", async (t) => {
  t.after(() => delete process.env["SEAMLESS_HTTP"]);
  for (const [text, http] of [
    ["unix:/run/s.sock", { path: "/run/s.sock" }],
    ["off", undefined],
  ] as const) {
    process.env["SEAMLESS_HTTP"] = text;
    assert.deepEqual((await parse("80", "a:1")).config?.http, http);
    assert.deepEqual((await parse("80", "a:1", "--http", "127.0.0.1:1")).config?.http, {
      host: "127.0.0.1",
      port: 1,
    });
  }
});

test("the variable of a flag without a value may say no", async (t) => {
  t.after(() => delete process.env["SEAMLESS_RESET_STATE"]);
  for (const [text, resetState] of [
    ["1", true],
    ["true", true],
    ["false", false],
    ["0", false],
    ["No", false],
    ["", false],
  ] as const) {
    process.env["SEAMLESS_RESET_STATE"] = text;
    const { config } = await parse("8080", "a:1", "--state", "f");
    assert.equal(config?.resetState, resetState, text);
  }
});
