import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalIp, formatAddress, parseAddress } from "./address.js";
import { ProxyError } from "./errors.js";

const canonical: readonly (readonly [text: string, id: string])[] = [
  ["localhost:4444", "localhost:4444"],
  ["LocalHost:80", "localhost:80"],
  ["web_1.internal.:1", "web_1.internal.:1"],
  ["127.0.0.1:65535", "127.0.0.1:65535"],
  ["[::1]:80", "[::1]:80"],
  ["[0:0:0:0:0:0:0:1]:80", "[::1]:80"],
  ["[2001:DB8::00A]:443", "[2001:db8::a]:443"],
  ["[::ffff:127.0.0.1]:80", "127.0.0.1:80"],
];
for (const [text, id] of canonical) {
  test(`'${text}' is understood as ${id}`, () => {
    assert.equal(formatAddress(parseAddress(text)), id);
    assert.equal(formatAddress(parseAddress(id)), id);
  });
}

const invalid: readonly (readonly [text: string, why: RegExp])[] = [
  ["", /port is missing/],
  ["localhost", /port is missing/],
  ["localhost:", /port is missing/],
  [":80", /host is missing/],
  ["localhost:0", /not between 1 and 65535/],
  ["localhost:65536", /not between 1 and 65535/],
  ["localhost:999999", /not between 1 and 65535/],
  ["localhost:080", /leading zero/],
  ["localhost:-1", /port is missing/],
  ["localhost: 80", /port is missing/],
  [" localhost:80", /character or form/],
  ["local host:80", /character or form/],
  ["-a:80", /character or form/],
  ["a..b:80", /character or form/],
  ["a\r\nb:80", /character or form/],
  ["a\0:80", /character or form/],
  ["münchen.de:80", /character or form/],
  ["http://a:80", /expected host:port/],
  ["a:80:90", /expected host:port/],
  ["::1", /brackets, as in \[::1\]:80/],
  ["[::1%lo]:80", /no IPv6 address in brackets/],
  ["[localhost]:80", /no IPv6 address in brackets/],
  ["[::1]", /port is missing/],
  ["127.1:80", /four numbers/],
  ["2130706433:80", /four numbers/],
  ["0x7f000001:80", /four numbers/],
  ["256.0.0.1:80", /four numbers/],
  ["127.0.0.01:80", /four numbers/],
  [`${"a".repeat(64)}:80`, /character or form/],
  [`${"abcdefg.".repeat(32)}com:80`, /longer than 253/],
];
for (const [text, why] of invalid) {
  test(`${JSON.stringify(text)} is refused, naming the text`, () => {
    assert.throws(
      () => parseAddress(text),
      (error) => {
        assert.ok(error instanceof ProxyError);
        assert.equal(error.code, "INVALID_ADDRESS");
        assert.match(error.message, why);
        assert.equal(error.details["address"], text);
        return true;
      },
    );
  });
}

test("an absurdly long address is not repeated whole", () => {
  assert.throws(
    () => parseAddress("x".repeat(100_000)),
    (error: Error) => error.message.length < 400,
  );
});

test("canonicalIp unmaps IPv4 and shortens IPv6", () => {
  assert.equal(canonicalIp("::ffff:10.1.2.3"), "10.1.2.3");
  assert.equal(canonicalIp("10.1.2.3"), "10.1.2.3");
  assert.equal(canonicalIp("FE80:0:0:0:0:0:0:1"), "fe80::1");
});
