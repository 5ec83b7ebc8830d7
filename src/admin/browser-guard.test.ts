import assert from "node:assert/strict";
import { test } from "node:test";
import { createBrowserGuard, type RequestFacts } from "./browser-guard.js";

const guard = createBrowserGuard({ host: "127.0.0.1", port: 6777 });

function refusalOf(facts: Partial<RequestFacts>): string | undefined {
  return guard({ authority: undefined, hosts: ["localhost:6777"], headers: {}, readsOnly: false, ...facts });
}

test("a Host that names this proxy passes, in every spelling of loopback", () => {
  for (const host of ["localhost:6777", "LOCALHOST:6777", "127.0.0.1:6777", "[::1]:6777"])
    assert.equal(refusalOf({ hosts: [host] }), undefined, host);
});

test("every other Host is refused, also for reading", () => {
  for (const host of [
    "",
    "localhost",
    "localhost:",
    "localhost:6778",
    "localhost:16777",
    "localhost.:6777",
    "localhost:6777.evil.example",
    "localhost:6777 ",
    "evil.example:6777",
    "evil.example@localhost:6777",
    "localhost@evil.example:6777",
    "localhost.evil.example:6777",
    "127.0.0.1.evil.example:6777",
    "127.0.0.2:6777",
    "127.1:6777",
    "2130706433:6777",
    "0x7f000001:6777",
    "0.0.0.0:6777",
    "0:6777",
    "[::]:6777",
    "::1:6777",
    "[::ffff:127.0.0.1]:6777",
    "[0:0:0:0:0:0:0:1]:6777",
    "localhost:6777,evil.example",
  ]) {
    for (const readsOnly of [true, false])
      assert.match(refusalOf({ hosts: [host], readsOnly }) ?? "passed", /Host header does not name/, host);
  }
});

test("no Host, two Hosts, and an absolute address that differs from Host are refused", () => {
  assert.match(refusalOf({ hosts: [] }) ?? "", /missing/);
  assert.match(refusalOf({ hosts: ["localhost:6777", "localhost:6777"] }) ?? "", /more than one/);
  assert.match(refusalOf({ authority: "evil.example" }) ?? "", /differ/);
  assert.match(refusalOf({ authority: "127.0.0.1:6777" }) ?? "", /differ/);
  assert.match(refusalOf({ authority: "" }) ?? "", /differ/);
  assert.equal(refusalOf({ authority: "LocalHost:6777" }), undefined);
});

test("on port 80 a Host without a port passes", () => {
  const onPort80 = createBrowserGuard({ host: "127.0.0.1", port: 80 });
  const facts = { authority: undefined, headers: {}, readsOnly: false };
  assert.equal(onPort80({ ...facts, hosts: ["localhost"] }), undefined);
  assert.equal(onPort80({ ...facts, hosts: ["localhost:80"] }), undefined);
  assert.match(onPort80({ ...facts, hosts: ["localhost:6777"] }) ?? "", /Host/);
});

test("where the server listens elsewhere that address passes, but never the one that means all", () => {
  const facts = { authority: undefined, headers: {}, readsOnly: false };
  const allows = (own: string, host: string): boolean =>
    createBrowserGuard({ host: own, port: 1 })({ ...facts, hosts: [host] }) === undefined;
  assert.ok(allows("127.0.0.2", "127.0.0.2:1"));
  assert.ok(allows("::1", "[::1]:1"));
  assert.ok(allows("fd00::1", "[fd00::1]:1"));
  assert.ok(!allows("0.0.0.0", "0.0.0.0:1"));
  assert.ok(!allows("::", "[::]:1"));
});

test("on a Unix socket localhost passes, with any port or none, and nothing else", () => {
  const onSocket = createBrowserGuard({ path: "/run/s.sock" });
  const facts = { authority: undefined, headers: {}, readsOnly: true };
  for (const host of ["localhost", "LocalHost", "localhost:80", "localhost:6777"])
    assert.equal(onSocket({ ...facts, hosts: [host] }), undefined, host);
  for (const host of [
    "",
    "localhost.",
    "localhost:",
    "localhost:x",
    "127.0.0.1",
    "[::1]",
    "evil.example",
    "s",
  ])
    assert.match(onSocket({ ...facts, hosts: [host] }) ?? "passed", /Host header does not name/, host);
  assert.match(onSocket({ ...facts, hosts: [] }) ?? "", /missing/);
  assert.match(
    onSocket({ ...facts, hosts: ["localhost"], headers: { origin: "null" }, readsOnly: false }) ?? "",
    /origin/,
  );
});

test("any trace of a browser on a change is refused", () => {
  for (const headers of [
    { origin: "http://evil.example" },
    { origin: "http://localhost:6777" },
    { origin: "null" },
    { origin: "" },
    { referer: "http://evil.example/" },
    { referer: "http://localhost:6777/get" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-mode": "no-cors" },
    { "sec-fetch-dest": "image" },
    { "sec-fetch-user": "?1" },
    { "sec-fetch-storage-access": "active" },
    { "user-agent": "Mozilla/5.0 (X11; Linux x86_64)" },
    { "user-agent": "mozilla/4.0" },
  ])
    assert.notEqual(refusalOf({ headers }), undefined, JSON.stringify(headers));
});

test("reading is refused to other sites' pages, and allowed to a person who types the address", () => {
  const reading = (headers: Record<string, string>): string | undefined =>
    refusalOf({ headers, readsOnly: true });
  assert.notEqual(reading({ "sec-fetch-site": "cross-site" }), undefined);
  assert.notEqual(reading({ "sec-fetch-site": "same-site" }), undefined);
  assert.notEqual(reading({ origin: "null" }), undefined);
  assert.equal(reading({ "sec-fetch-site": "none", "user-agent": "Mozilla/5.0" }), undefined);
  assert.equal(reading({ "sec-fetch-site": "same-origin", referer: "http://localhost:6777/get" }), undefined);
});

test("what scripts use passes", () => {
  for (const agent of ["curl/7.88.1", "Wget/1.21", "python-requests/2.31", "Go-http-client/1.1"])
    assert.equal(refusalOf({ headers: { "user-agent": agent, accept: "*/*" } }), undefined);
  assert.equal(refusalOf({}), undefined);
});
