import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, type ConnectOptions, type SeamlessClient } from "./index.js";
import { resolveOptions } from "./options.js";
import { failsWith } from "./testing/errors.js";

const refused = (method: string, option: string) => (error: unknown) => {
  assert.ok(error instanceof Error && error.message.includes(option), String(error));
  return failsWith({ code: "INVALID_OPTIONS", status: "INVALID_ARGUMENT", method })(error);
};

const BAD_ADDRESSES = [
  "",
  "nowhere",
  ":6778",
  "host:",
  "host:0",
  "host:65536",
  "host:1e3",
  "::1:6778",
  "[::1]",
  "[host]:1",
  "a b:1",
  "http://host:1",
  "unix:relative",
  7,
];

for (const address of BAD_ADDRESSES) {
  test(`connect refuses the address ${JSON.stringify(address)} at once`, () => {
    assert.throws(() => connect({ address } as ConnectOptions), refused("connect", "address must be"));
  });
}

const BAD_TIMES = [0, -1, NaN, Infinity, 2 ** 31, "5", 1n];
const BAD_COUNTS = [0, -1, 1.5, NaN, Infinity, "4"];
const BAD_CONNECT_OPTIONS: [string, unknown, object][] = [
  ["service", 7, { service: 7 }],
  ...BAD_TIMES.flatMap((value): [string, unknown, object][] => [
    ["timeoutMs", value, { timeoutMs: value }],
    ["retry.initialDelayMs", value, { retry: { initialDelayMs: value } }],
    ["retry.maxDelayMs", value, { retry: { maxDelayMs: value } }],
  ]),
  ...BAD_COUNTS.map((value): [string, unknown, object] => [
    "retry.attempts",
    value,
    { retry: { attempts: value } },
  ]),
];

test("connect refuses each option that is wrong at once, and names it", () => {
  for (const [option, value, options] of BAD_CONNECT_OPTIONS) {
    assert.throws(() => connect(options), refused("connect", option), `${option} ${String(value)}`);
  }
});

test("an address may be a host name, IPv4, IPv6 in brackets, or the path of a socket", () => {
  const target = (address: string): object => resolveOptions({ address }).target;
  assert.deepEqual(target("localhost:1"), {
    kind: "tcp",
    host: "localhost",
    port: 1,
    address: "localhost:1",
  });
  assert.deepEqual(target("10.0.0.1:65535"), {
    kind: "tcp",
    host: "10.0.0.1",
    port: 65_535,
    address: "10.0.0.1:65535",
  });
  assert.deepEqual(target("[::1]:80"), { kind: "tcp", host: "::1", port: 80, address: "[::1]:80" });
  assert.deepEqual(target("unix:/run/s"), { kind: "unix", path: "/run/s", address: "unix:/run/s" });
});

test("the defaults are those that the documentation names", () => {
  const { target, ...rest } = resolveOptions();
  assert.equal(target.address, "127.0.0.1:6778");
  const retry = { attempts: 4, initialDelayMs: 100, maxDelayMs: 2_000 };
  assert.deepEqual(rest, {
    service: "default",
    timeoutMs: 10_000,
    retry,
    actor: undefined,
    token: undefined,
    tls: undefined,
  });
});

test("a token is not sent to another machine in the clear", () => {
  const token = "sml_x";
  assert.equal(resolveOptions({ token }).token, token);
  assert.equal(resolveOptions({ token, address: "unix:/s" }).token, token);
  assert.equal(resolveOptions({ token, address: "db.example:1", tls: true }).token, token);
  const wrong = { code: "INVALID_OPTIONS", message: /in the clear: give tls/ };
  assert.throws(() => resolveOptions({ token, address: "db.example:1" }), wrong);
  for (const broken of ["", "a b", "é"])
    assert.throws(() => resolveOptions({ token: broken }), { code: "INVALID_OPTIONS" });
});

type Call = (client: SeamlessClient, wrong: never) => Promise<unknown>;
const withOptions: [string, Call][] = [
  ["get", (client, wrong) => client.get(wrong)],
  ["set", (client, wrong) => client.set(["a:1"], wrong)],
  ["add", (client, wrong) => client.add(["a:1"], wrong)],
  ["remove", (client, wrong) => client.remove(["a:1"], wrong)],
];
const COMMON: [string, object][] = [
  ["service", { service: 7 }],
  ["timeoutMs", { timeoutMs: 0 }],
  ["signal", { signal: {} }],
];
const CHANGE: [string, object][] = [-1, 1.5, 2 ** 53, -1n, 2n ** 64n, "1"].map((expectedRevision) => [
  "expectedRevision",
  { expectedRevision },
]);

for (const [method, call] of withOptions) {
  test(`${method} rejects with the option that is wrong`, async (t) => {
    const client = connect();
    t.after(() => client.close());
    for (const [option, wrong] of method === "get" ? COMMON : [...COMMON, ...CHANGE]) {
      await assert.rejects(call(client, wrong as never), refused(method, option));
    }
  });
}

const BAD_LISTS: [string, unknown][] = [
  ["must be an array", "a:1"],
  ["must be an array", undefined],
  ["address must be a string", [{ weight: 1 }]],
  ["must be a string", [7]],
  ["must be a string", [null]],
];
const BAD_WEIGHTS: [string, unknown][] = [-1, 1.5, 2 ** 32, "1"].map((weight) => [
  "weight must be a whole number",
  [{ address: "a:1", weight }],
]);

for (const method of ["set", "add"] as const) {
  test(`${method} rejects backends that can't be sent`, async (t) => {
    const client = connect();
    t.after(() => client.close());
    for (const [text, backends] of [...BAD_LISTS, ...BAD_WEIGHTS]) {
      await assert.rejects(client[method](backends as never), refused(method, text));
    }
  });
}

test("remove rejects addresses that can't be sent", async (t) => {
  const client = connect();
  t.after(() => client.close());
  for (const addresses of ["a:1", undefined, [7], [{ address: "a:1" }]]) {
    await assert.rejects(client.remove(addresses as never), refused("remove", "address"));
  }
});

test("watch throws at once, before anything is read", (t) => {
  const client = connect();
  t.after(() => client.close());
  const wrong: [string, object][] = [
    ["service", { service: 7 }],
    ["signal", { signal: {} }],
    ["onReconnect", { onReconnect: "log" }],
    ["after.revision", { after: {} }],
    ["after.sequence", { after: { revision: 1, sequence: -1 } }],
    ["after.instanceId", { after: { revision: 1, instanceId: 7 } }],
  ];
  for (const [option, options] of wrong) {
    assert.throws(() => client.watch(options), refused("watch", option));
  }
});
