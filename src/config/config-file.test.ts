import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_SETTINGS } from "../control/service-settings.js";
import { parseConfigFile } from "./config-file.js";

const read = (text: string, defaults = {}): ReturnType<typeof parseConfigFile> =>
  parseConfigFile(text, "s.yaml", defaults);

test("fields are the flags, read as they are on the command line", () => {
  const { process, services } = read(`
grpc: unix:/run/seamless/grpc.sock
http_port: 7000
shutdown_timeout: 1m
services:
  web:
    listen: [8080, "[::1]:8081", unix:/run/web.sock]
    backends: [A:1, b:2=3]
    connect_timeout: 1.5s
    max_connections: 10
    health: http:/up
    health_interval: 500ms
  db: {listen: 5432}
`);
  assert.deepEqual(process, {
    grpc: { path: "/run/seamless/grpc.sock" },
    httpPort: 7_000,
    shutdownTimeout: 60_000,
  });
  const [web, db] = services;
  assert.deepEqual(web?.listen, [
    { host: "", port: 8080 },
    { host: "::1", port: 8081 },
    { path: "/run/web.sock" },
  ]);
  assert.deepEqual(web.backends, [{ address: "a:1" }, { address: "b:2", weight: 3 }]);
  const { connectTimeoutMs, maxConnections, healthCheck } = web.settings;
  assert.deepEqual([connectTimeoutMs, maxConnections, healthCheck?.kind.type], [1_500, 10, "http"]);
  assert.equal(healthCheck?.intervalMs, 500);
  assert.deepEqual(db, {
    name: "db",
    listen: [{ host: "", port: 5432 }],
    backends: [],
    settings: DEFAULT_SETTINGS,
  });
});

test("the curl interface can be off, a word that is false in other versions of YAML, or anywhere", () => {
  const http = (text: string): unknown => read(`http: ${text}\nservices: {a: {listen: 1}}`).process["http"];
  assert.equal(http("off"), "off");
  assert.equal(http('"off"'), "off");
  assert.deepEqual(http("unix:/run/seamless/http.sock"), { path: "/run/seamless/http.sock" });
  assert.deepEqual(http("127.0.0.1:7000"), { host: "127.0.0.1", port: 7_000 });
  assert.throws(() => http("unix:relative"), /^\w+: s\.yaml:1: http: .*absolute path/);
});

test("what the command line says of services is what they have if the file does not say it", () => {
  const { services } = read("services: {a: {listen: 1}, b: {listen: 2, idle_timeout: 2s}}", {
    idleTimeout: 9_000,
  });
  assert.deepEqual(
    services.map(({ settings }) => settings.idleTimeoutMs),
    [9_000, 2_000],
  );
});

for (const [what, text, complaint] of [
  ["empty", "", /^s\.yaml: expected a mapping with 'services'$/],
  ["no mapping", "- a", /^s\.yaml: expected a mapping/],
  ["not YAML", "services: [", /^s\.yaml:1: /],
  ["two of one name", "services: {a: {listen: 1}}\nservices: {}", /^s\.yaml:2: .*unique/],
  ["without services", "http_port: 1", /^s\.yaml: services: expected at least one service/],
  [
    "an unknown field",
    "htp_port: 1\nservices: {a: {listen: 1}}",
    /^s\.yaml:1: htp_port: there is no such field; there are: .*http_port/,
  ],
  [
    "an unknown field of a service",
    "services:\n  a:\n    listen: 1\n    weight: 2",
    /^s\.yaml:4: services\.a\.weight: there is no such/,
  ],
  ["no address", "services:\n  a: {backends: b:1}", /^s\.yaml:2: services\.a: 'listen' is missing/],
  [
    "a bad address",
    "services:\n  a:\n    listen: 1\n    backends:\n    - b:1\n    - b",
    /^s\.yaml:6: services\.a\.backends: 'b' is not valid network address: the port is missing$/,
  ],
  ["a bad weight", "services: {a: {listen: 1, backends: [b:1=0]}}", /the weight of 'b:1' is 0/],
  ["a bad name", "services: {'a b': {listen: 1}}", /^s\.yaml:1: services\.a b: 'a b' is no name/],
  [
    "a bad duration",
    "services: {a: {listen: 1, idle_timeout: 3}}",
    /services\.a\.idle_timeout: Expected a duration/,
  ],
  [
    "a bad combination",
    "services: {a: {listen: 1, health: tcp, health_rise: 0}}",
    /services\.a: health check: rise is 0/,
  ],
  [
    "one address twice",
    "services:\n  a: {listen: [80, unix:/a]}\n  b: {listen: [unix:/a]}\n  c: {listen: 127.0.0.1:80}",
    /^s\.yaml:3: services\.b\.listen: unix:\/a is taken by services\.a\.listen already\ns\.yaml:4: services\.c\.listen: 127\.0\.0\.1:80 is taken by services\.a/,
  ],
  [
    "a service where management is",
    "services:\n  a: {listen: 80}\n  b: {listen: 6777}\ngrpc: unix:/s\nhttp_host: 127.0.0.2",
    /^s\.yaml:3: services\.b\.listen: :6777 is taken by http already$/,
  ],
  [
    "one path in two spellings",
    "services: {a: {listen: unix:/run/./x}}\ngrpc: unix:/run/x",
    /^s\.yaml:1: services\.a\.listen: unix:\/run\/\.\/x is taken by grpc already$/,
  ],
  [
    "management in one place",
    "services: {a: {listen: 1}}\nhttp: 127.0.0.1:7000\ngrpc_port: 7000",
    /^s\.yaml:2: http: 127\.0\.0\.1:7000 is taken by grpc already$/,
  ],
  [
    "the name in a fleet that there is not",
    "services: {a: {listen: 1}}\nproxy_name: x",
    /^s\.yaml:2: proxy_name: it means nothing without 'store'$/,
  ],
  [
    "a certificate without its key",
    "services: {a: {listen: 1}}\ntls_cert: x",
    /^s\.yaml:2: tls_cert: it means nothing without 'tls_key'$/,
  ],
  [
    "how to check what is not checked",
    "services:\n  a: {listen: 1, health: tcp, health_rise: 3}\n  b: {listen: 2, health_rise: 3}",
    /^s\.yaml:3: services\.b\.health_rise: it means nothing without 'health'$/,
  ],
  ["a list for one value", "services: {a: {listen: 1}}\nstate: [x]", /^s\.yaml:2: state: expected one value/],
  ["reset_state", "reset_state: true\nservices: {a: {listen: 1}}", /there is no such field/],
  ["aliases without end", `a: &a [x]\nb: &b [${"*a,".repeat(99)}]\nservices: {a: {listen: *b}}`, /^s\.yaml/],
  ["a name of Object's", "services: {__proto__: {listen: 1}}", /is no name for a service/],
] as const) {
  test(`a file that is ${what} is refused, with line and field`, () => {
    assert.throws(
      () => read(text),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "CONFIG_INVALID");
        assert.match(error.message, complaint);
        return true;
      },
    );
  });
}

test("what a field means nothing without may be on the command line, and where management is, too", () => {
  const text = "services: {a: {listen: 6777, health_rise: 3}}\nproxy_name: x";
  const said = { http: "off", store: {}, health: { type: "tcp" } };
  assert.equal(read(text, said).process["proxyName"], "x");
  assert.throws(() => read(text, { ...said, http: { host: "::1", port: 6_777 } }), /6777 is taken by http/);
});

test("all that is wrong is told at once", () => {
  assert.throws(
    () => read("x: 1\nservices:\n  a:\n    listen: y\n    z: 1"),
    (error: Error) => {
      assert.deepEqual(
        error.message
          .split("\n")
          .map((line) => /:(\d+):/.exec(line)?.[1])
          .sort(),
        ["1", "4", "5"],
      );
      return true;
    },
  );
});

test("addresses that do not overlap may have the same port", () => {
  const { services } = read(
    "services: {a: {listen: ['127.0.0.1:80', '127.0.0.1:0']}, b: {listen: ['127.0.0.2:80', '127.0.0.1:0', '[::1]:80']}}",
  );
  assert.equal(services.length, 2);
});
