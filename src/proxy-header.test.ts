import assert from "node:assert/strict";
import { test } from "node:test";
import { localHeader, proxyHeader } from "./proxy-header.js";

const route = (source: string, destination: string) => ({
  source: { address: source, port: 56_324 },
  destination: { address: destination, port: 443 },
});
const SIGNATURE = "0d0a0d0a000d0a515549540a";

// The examples of the specification, section 2.1 and 2.2.
test("version 1 is a line", () => {
  assert.equal(
    proxyHeader(1, route("192.168.0.1", "192.168.0.11")).toString(),
    "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
  );
  assert.equal(
    proxyHeader(1, route("2001:DB8:0::1", "fe80::1%eth0")).toString(),
    "PROXY TCP6 2001:db8::1 fe80::1 56324 443\r\n",
  );
  assert.equal(proxyHeader(1, undefined).toString(), "PROXY UNKNOWN\r\n");
});

test("version 2 is binary", () => {
  assert.equal(
    proxyHeader(2, route("192.168.0.1", "192.168.0.11")).toString("hex"),
    `${SIGNATURE}2111000cc0a80001c0a8000bdc0401bb`,
  );
  assert.equal(
    proxyHeader(2, route("2001:db8::1", "::2")).toString("hex"),
    `${SIGNATURE}2121002420010db8000000000000000000000001${"0".repeat(31)}2dc0401bb`,
  );
  assert.equal(proxyHeader(2, undefined).toString("hex"), `${SIGNATURE}21000000`);
});

test("an IPv4 client of a socket for both families is an IPv4 one", () => {
  const mapped = route("::ffff:10.0.0.1", "::ffff:10.0.0.2");
  assert.deepEqual(proxyHeader(2, mapped), proxyHeader(2, route("10.0.0.1", "10.0.0.2")));
});

test("the proxy's own connections name nobody", () => {
  assert.equal(localHeader(1).toString(), "PROXY UNKNOWN\r\n");
  assert.equal(localHeader(2).toString("hex"), `${SIGNATURE}20000000`);
});
