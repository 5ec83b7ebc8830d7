import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBackends, setBackends } from "../control/backend-list.js";
import { completeHealthCheck } from "../control/health-check.js";
import type { SharedService } from "../control/shared-service.js";
import { createKeys } from "./keys.js";
import { decodeMember, decodeNote, encodeMember, nameIn, encodeNote } from "./member-codec.js";
import { decodeChange, decodeShared, encodeChange, encodeShared } from "./shared-codec.js";
import { formatStoreUrl, parseStoreUrl } from "./store-url.js";

const list = (...addresses: string[]) =>
  setBackends([], parseBackends(addresses.map((address, i) => ({ address, weight: i + 1 }))));
const check = completeHealthCheck({ kind: { type: "http", path: "/up", host: "h", expectedStatus: "200" } });

const full: SharedService = {
  revision: 7,
  list: list("a:1", "[::1]:2"),
  healthCheck: check,
  pause: { startedUnixMs: 1, holdLimitMs: 2, maxHeld: 3 },
  drainLimits: { limitMs: 4, idleLimitMs: 5_000, spreadMs: 6 },
  trial: { proxies: ["p"], list: list("b:1") },
  returnTo: list("c:1"),
  change: { revision: 7, atUnixMs: 8, verb: "canary", actor: "me", from: "here" },
};
const bare: SharedService = {
  ...full,
  list: [],
  healthCheck: undefined,
  pause: undefined,
  drainLimits: { spreadMs: 0 },
  trial: undefined,
  returnTo: undefined,
};

test("a shared list and its change are read as they were written", () => {
  for (const value of [full, bare]) {
    assert.deepEqual(decodeShared(encodeShared({ write: "w", value })), { write: "w", value });
    const { write, value: entry } = decodeChange(encodeChange({ write: "w", value }));
    assert.deepEqual([write, entry], ["w", { ...value.change, list: value.list }]);
  }
});

test("what others could have written there is refused like a request, and what a later version adds is left alone", () => {
  const stored = JSON.parse(encodeShared({ write: "w", value: full })) as Record<string, unknown>;
  const read = (change: object) => () => decodeShared(JSON.stringify({ ...stored, ...change }));
  assert.throws(read({ list: [{ address: "nowhere", weight: 1 }] }), /'nowhere'/);
  assert.throws(read({ list: [{ address: "a:1", weight: 0 }] }), /weight/);
  assert.throws(read({ revision: 0 }), /revision/);
  assert.throws(read({ format: 2 }), /format/);
  assert.throws(() => decodeShared("{"), /not JSON/);
  assert.deepEqual(read({ later: true })().value, full);
});

test("what a proxy tells of itself, and of a deploy, is read as it was written", () => {
  const health = { state: "unhealthy", against: 1, error: "no", checkedUnixMs: undefined } as const;
  const ends = { client: 1, backend: 2, drain: 3, idle: 4, shutdown: 5 };
  const state = { phase: "ended", endedUnixMs: 9, outcome: "cut" } as const;
  const member = {
    id: "p",
    name: "web1",
    version: "1",
    startedUnixMs: 1,
    sharesName: true,
    services: [
      {
        service: "web",
        revision: 3,
        openConnections: 4,
        backends: [{ address: "a:1", status: "draining", open: 1, total: 2, failed: 3 }],
        deploy: {
          id: "d",
          candidates: [{ address: "b:1", health }],
          drains: [{ address: "a:1", startedUnixMs: 1, atStart: 2, open: 0, ends, state }],
        },
      },
    ],
  } as const;
  assert.deepEqual(decodeMember(encodeMember(member)), member);
  const note = { id: "d", coordinator: "p", fleet: true, check, candidates: list("b:1"), leaving: ["a:1"] };
  assert.deepEqual(decodeNote(encodeNote(note)), note);
});

test("what a proxy is called is read without the rest, in whatever form it was written", () => {
  const name = 'a "\\b"\u00fc';
  const self = { id: "p", name, version: "1", startedUnixMs: 1, sharesName: false };
  const ours = encodeMember({ ...self, services: [] });
  assert.equal(nameIn(ours), name);
  assert.equal(nameIn(ours.slice(0, -5)), name, "the rest is not read");
  assert.equal(nameIn(JSON.stringify({ services: [], version: "1", startedUnixMs: 1, name, id: "p" })), name);
  assert.equal(
    decodeMember(JSON.stringify({ ...self, sharesName: undefined, services: [] })).sharesName,
    false,
  );
  assert.throws(() => nameIn("{}"), /Required/);
});

test("keys are told apart, and revisions sort", () => {
  const keys = createKeys("/a/");
  assert.deepEqual(keys.parse(keys.service("web")), { kind: "services", name: "web" });
  assert.deepEqual(keys.parse(keys.proxy("p")), { kind: "proxies", name: "p" });
  assert.deepEqual(keys.parse(keys.deploy("web")), { kind: "deploys", name: "web" });
  for (const other of [
    "/a/live/services/",
    "/a/live/x/y",
    "/a/live/services/a/b",
    keys.change("web", 1),
    "/b/live/services/c",
  ])
    assert.equal(keys.parse(other), undefined, other);
  assert.ok(keys.change("web", 9) < keys.change("web", 10));
});

test("a store is named by its members and a prefix", () => {
  assert.deepEqual(parseStoreUrl("etcd://A:1,[::1]:2/x/y/"), {
    endpoints: [
      { host: "a", port: 1 },
      { host: "::1", port: 2 },
    ],
    prefix: "/x/y/",
  });
  for (const text of ["etcd://a:1", "etcd://a:1/"]) assert.equal(parseStoreUrl(text).prefix, "/seamless/");
  assert.equal(formatStoreUrl(parseStoreUrl("etcd://a:1,[::1]:2/x/")), "etcd://a:1,[::1]:2/x");
  for (const bad of [
    "etcd://",
    "etcd://a",
    "etcd://a:1,,b:2",
    "etcd://a:1//x",
    "etcd://a:1/x y",
    "http://a:1",
    "",
  ])
    assert.throws(() => parseStoreUrl(bad), { code: "INVALID_ARGUMENT", message: /is not a store/ }, bad);
});
