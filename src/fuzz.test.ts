import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { parseAddress } from "./address.js";
import { parseTokens } from "./admin/access/token-book.js";
import { splitTarget } from "./admin/request-target.js";
import { parseBackendText } from "./config/backend-text.js";
import { parseConfigFile } from "./config/config-file.js";
import { completeHealthCheck, parseCheckKind } from "./control/health-check.js";
import { checkServiceName } from "./control/service-name.js";
import { parseDuration } from "./duration.js";
import { ProxyError } from "./errors.js";
import { formatListenAddress, parseListenAddress } from "./listen-address.js";
import { parseNetwork } from "./network.js";
import { parseProxyHeader } from "./proxy-header-parser.js";
import { decodeState } from "./store/state-file.js";

/** `npm run fuzz` has a million; each run of the tests begins elsewhere. */
const RUNS = Number(process.env["SEAMLESS_FUZZ_RUNS"] ?? 2_000);
/** Far more than any takes; a machine that is busy is asked again. */
const SLOW_MS = 250;

/** What parsers meet: right texts with a few random changes, and texts of the characters that mean something. */
function texts(characters: string, seeds: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.string({ unit: fc.constantFrom(...Array.from(characters)), maxLength: 20 }),
    fc.string({ unit: "binary", maxLength: 8 }),
    fc.constantFrom("", "0", "-1", "999999999999", "1e9", "\0", "\u{1F600}", "..", "__proto__"),
  );
  const change = fc.record({ at: fc.nat(400), cut: fc.nat(12), piece });
  const changed = fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { maxLength: 4 }))
    .map(([seed, changes]) =>
      changes.reduce((text, { at, cut, piece: put }) => {
        const start = at % (text.length + 1);
        return text.slice(0, start) + put + text.slice(start + cut);
      }, seed),
    );
  return fc.oneof({ weight: 4, arbitrary: changed }, { weight: 1, arbitrary: piece });
}

/** Fails on a crash, which is any error but ours, and on an input that takes long. */
function fuzz(what: string, inputs: fc.Arbitrary<string>, parse: (text: string) => unknown): void {
  test(`${what}: whatever comes is read, or refused in words, and soon`, () => {
    fc.assert(
      fc.property(inputs, (text) => {
        const fastest = Math.min(timed(parse, text), SLOW_MS);
        if (fastest >= SLOW_MS) assert.ok(timed(parse, text) < SLOW_MS, "slow");
      }),
      { numRuns: RUNS },
    );
  });
}

function timed(parse: (text: string) => unknown, text: string): number {
  const startedMs = performance.now();
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    assert.ok(error.message.length > 0 && !error.message.includes("\n    at "));
  }
  return performance.now() - startedMs;
}

const ADDRESSES = ["localhost:4444", "[::1]:80", "10.0.0.1:65535", "a.example.com:1", "[fe80::1%eth0]:80"];
fuzz("address", texts("[]:.%0123456789abcf-", ADDRESSES), (text) => {
  const { host, port } = parseAddress(text);
  assert.ok(host !== "" && port > 0);
});
fuzz(
  "listening address",
  texts("[]:.*/ux0123456789", [...ADDRESSES, "8080", "*:0", "unix:/run/s"]),
  (text) => {
    const address = parseListenAddress(text);
    assert.deepEqual(parseListenAddress(formatListenAddress(address)), address);
  },
);
fuzz(
  "backend",
  texts(
    "[]:.=0123456789",
    ADDRESSES.map((address) => `${address}=3`),
  ),
  parseBackendText,
);
fuzz("network", texts("[]:./0123456789", ["10.0.0.0/8", "2001:db8::/32", "::1"]), (text) => {
  assert.equal(parseNetwork(parseNetwork(text)), parseNetwork(text));
});
fuzz("duration", texts("0123456789.smh ", ["30s", "1.5m", "250ms", "0"]), (text) => {
  const durationMs = parseDuration(text);
  assert.ok(durationMs === undefined || (Number.isSafeInteger(durationMs) && durationMs >= 0), text);
});
fuzz("check", texts("tcphgr:/[]?#%", ["tcp", "http:/up", "grpc:a.b"]), (text) =>
  completeHealthCheck({ kind: parseCheckKind(text) }),
);
fuzz("service name", texts("ab.-_/", ["default", "web-1"]), checkServiceName);
fuzz("request target", texts("/?&=%#:@0aF", ["/set?localhost:1", "http://h/get?a=b", "*"]), splitTarget);

const HEADERS = [
  "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
  "PROXY UNKNOWN\r\n",
  "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".padEnd(28, "x"),
];
fuzz("PROXY header", texts("PROXYTCP46. :\r\n\0", HEADERS), (text) => {
  const data = Buffer.from(text, "latin1");
  const parsed = parseProxyHeader(data);
  assert.ok(parsed.status !== "complete" || parsed.size <= data.length);
});

const CONFIG = `grpc: unix:/run/g.sock
services:
  web:
    listen: [8080, "[::1]:1"]
    backends: [a:1, b:2=3]
    health: http:/up
    accept_proxy_from: [10.0.0.0/8]
  db: {listen: 127.0.0.1:5432, backends: c:1, max_connections: 5}
`;
fuzz("configuration file", texts("\n :-[]{}&*!|>'\"%@`#,", [CONFIG, "a: &a [*a, *a]"]), (text) =>
  parseConfigFile(text, "f.yaml"),
);
const TOKENS = `- name: ci\n  sha256: ${"ab".repeat(32)}\n  verbs: [deploy]\n  services: [web]\n`;
fuzz("tokens file", texts("\n :-[]{}&*!|>'\"#,", [TOKENS]), (text) => parseTokens(text, "tokens.yaml"));

const BODY = JSON.stringify({
  services: [
    {
      name: "default",
      instanceId: "one",
      revision: 2,
      sequenceBase: 0,
      list: [{ address: "b:1", weight: 1 }],
      history: [],
      drains: [],
    },
  ],
});
/** With the right checksum, so that what it guards is reached. */
function signed(body: string): string {
  const text = `${body}\n`;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return `${JSON.stringify({ format: "seamless-state", version: 1, generation: 1, sha256 })}\n${text}`;
}
fuzz("state, with a right checksum", texts('{}[]":,0123456789.-e\\u', [BODY]), (text) =>
  decodeStateOrRefuse(signed(text)),
);
fuzz("state", texts('{}[]":,\n', [signed(BODY)]), decodeStateOrRefuse);

/** Its caller turns every error into one that names the file. */
function decodeStateOrRefuse(text: string): void {
  try {
    decodeState(text);
  } catch (error) {
    assert.ok(error instanceof Error);
    assert.ok(!(error instanceof TypeError || error instanceof RangeError), String(error));
  }
}
