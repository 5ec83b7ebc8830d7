import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { localHeader, proxyHeader } from "./proxy-header.js";
import { parseProxyHeader } from "./proxy-header-parser.js";

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

const end = (address: fc.Arbitrary<string>) => fc.record({ address, port: fc.nat(65_535) });
const anyRoute = fc
  .oneof(fc.constant(fc.ipV4()), fc.constant(fc.ipV6()))
  .chain((address) => fc.record({ source: end(address), destination: end(address) }));
const version = fc.constantFrom(1 as const, 2 as const);

test("what is written is read again, whatever comes behind it, and no part of it is taken for the whole", () => {
  fc.assert(
    fc.property(version, anyRoute, fc.uint8Array(), (kind, route, behind) => {
      const header = proxyHeader(kind, route);
      const parsed = parseProxyHeader(Buffer.concat([header, behind]));
      assert.ok(parsed.status === "complete" && parsed.route);
      assert.equal(parsed.size, header.length);
      assert.deepEqual(proxyHeader(kind, parsed.route), header);
      for (let size = 0; size < header.length; size++)
        assert.equal(parseProxyHeader(header.subarray(0, size)).status, "incomplete");
    }),
  );
});

test("no bytes are an error", () => {
  const signature = localHeader(2).subarray(0, 12);
  const begun = fc.constantFrom(Buffer.from("PROXY "), Buffer.from("PROXY TCP4 1.2.3.4 "), signature);
  fc.assert(
    fc.property(begun, fc.uint8Array({ maxLength: 5_000 }), (head, rest) => {
      const data = Buffer.concat([head, rest]);
      const parsed = parseProxyHeader(data);
      if (parsed.status === "complete") assert.ok(parsed.size <= data.length);
      else if (parsed.status === "incomplete") assert.ok(data.length < 4_096);
    }),
  );
});
