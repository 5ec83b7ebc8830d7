import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../engine/engine.js";
import { createDestinationPolicy } from "./destination-policy.js";

const policyFor = (...own: Endpoint[]): ReturnType<typeof createDestinationPolicy> => {
  return createDestinationPolicy({ ownEndpoints: () => own, localAddresses: () => ["10.9.8.7", "fd00::7"] });
};

for (const [host, what] of [
  ["0.0.0.0", "unspecified"],
  ["0.1.2.3", "unspecified"],
  ["::", "unspecified"],
  ["169.254.169.254", "link-local"],
  ["::ffff:169.254.169.254", "link-local"],
  ["64:ff9b::a9fe:a9fe", "disguise"],
  ["2002:7f00:1::", "disguise"],
  ["fe80::1", "link-local"],
  ["224.0.0.1", "multicast"],
  ["ff02::1", "multicast"],
  ["255.255.255.255", "broadcast"],
] as const) {
  test(`${host} is refused as ${what}`, () => {
    assert.match(policyFor().refuse({ host, port: 80 }) ?? "", new RegExp(what));
  });
}

test("ordinary addresses are allowed, loopback and private ones too", () => {
  for (const host of ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "203.0.113.5", "2001:db8::1"]) {
    assert.equal(policyFor({ host: "", port: 8080 }).refuse({ host, port: 80 }), undefined);
  }
});

test("a proxy on all interfaces is recognised at every local address", () => {
  for (const wildcard of ["", "0.0.0.0", "::"]) {
    const policy = policyFor({ host: wildcard, port: 8080 });
    for (const host of [
      "127.0.0.1",
      "127.9.9.9",
      "::1",
      "::ffff:127.0.0.1",
      "10.9.8.7",
      "fd00::7",
      "FD00:0::7",
    ]) {
      assert.match(policy.refuse({ host, port: 8080 }) ?? "", /is this proxy itself/, `${wildcard} ${host}`);
    }
    assert.equal(policy.refuse({ host: "10.9.8.8", port: 8080 }), undefined);
    assert.equal(policy.refuse({ host: "127.0.0.1", port: 8081 }), undefined);
  }
});

test("a proxy on one address is recognised there only", () => {
  const policy = policyFor({ host: "127.0.0.1", port: 8080 }, { host: "127.0.0.1", port: 6778 });
  assert.match(policy.refuse({ host: "127.0.0.1", port: 6778 }) ?? "", /this proxy itself/);
  assert.match(policy.refuse({ host: "::ffff:7f00:1", port: 8080 }) ?? "", /this proxy itself/);
  assert.equal(policy.refuse({ host: "127.0.0.2", port: 8080 }), undefined);
  assert.equal(policy.refuse({ host: "::1", port: 8080 }), undefined);
});
