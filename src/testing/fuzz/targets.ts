import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { parseAddress } from "../../address.js";
import { parseTokens } from "../../admin/access/token-book.js";
import { drainParameter } from "../../admin/drain-parameter.js";
import { readForm } from "../../admin/request-form.js";
import { splitTarget } from "../../admin/request-target.js";
import { parseBackendText } from "../../config/backend-text.js";
import { parseConfigFile } from "../../config/config-file.js";
import { completeHealthCheck, isExpectedStatus, parseCheckKind } from "../../control/health-check.js";
import { checkServiceName } from "../../control/service-name.js";
import { parseDuration } from "../../duration.js";
import { formatListenAddress, parseListenAddress } from "../../listen-address.js";
import { decodeMember } from "../../fleet/member-codec.js";
import { decodeShared } from "../../fleet/shared-codec.js";
import { storeError } from "../../fleet/store-error.js";
import { formatStoreUrl, parseStoreUrl } from "../../fleet/store-url.js";
import { parseNetwork } from "../../network.js";
import { parseProxyHeader } from "../../proxy-header-parser.js";
import { decodeState, unusableState } from "../../store/state-file.js";
import type { FuzzTarget } from "./fuzz-target.js";
import { CONFIG, SHARED_LIST, SHARED_MEMBER, STATE_BODY, TOKENS } from "./whole-files.js";

const text = { encoding: "utf8", maxBytes: 512 } as const;
const ADDRESSES = ["localhost:4444", "[::1]:80", "10.0.0.1:65535", "a.example.com:1", "[fe80::1%eth0]:80"];
const HEADERS = [
  "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
  "PROXY TCP6 2001:db8::1 ::2 1 65535\r\n",
  "PROXY UNKNOWN\r\n",
  "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".padEnd(28, "x"),
  "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24".padEnd(52, "\xfe"),
  "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
];
const FORM = "application/x-www-form-urlencoded";

/** Every reader of text that comes from outside. What each must hold besides not crashing is asserted in it. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  {
    ...text,
    name: "address",
    seeds: ADDRESSES,
    characters: "[]:.%0123456789abcf-",
    parse(text) {
      const { host, port } = parseAddress(text);
      assert.ok(host !== "" && port > 0);
    },
  },
  {
    ...text,
    name: "listen-address",
    seeds: [...ADDRESSES, "8080", ":8080", "*:0", "unix:/run/s"],
    characters: "[]:.*/ux0123456789",
    parse(text) {
      const address = parseListenAddress(text);
      assert.deepEqual(parseListenAddress(formatListenAddress(address)), address);
    },
  },
  {
    ...text,
    name: "backend",
    seeds: ADDRESSES.map((address) => `${address}=3`),
    characters: "[]:.=0123456789",
    parse: parseBackendText,
  },
  {
    ...text,
    name: "network",
    seeds: ["10.0.0.0/8", "2001:db8::/32", "::1"],
    characters: "[]:./0123456789",
    parse: (text) => assert.equal(parseNetwork(parseNetwork(text)), parseNetwork(text)),
  },
  {
    ...text,
    name: "duration",
    seeds: ["30s", "1.5m", "250ms", "0"],
    characters: "0123456789.smh ",
    parse(text) {
      const durationMs = parseDuration(text);
      assert.ok(durationMs === undefined || (Number.isSafeInteger(durationMs) && durationMs >= 0));
    },
  },
  {
    ...text,
    name: "check",
    seeds: ["tcp", "http:/up", "grpc:a.b"],
    characters: "tcphgr:/[]?#%",
    parse: (text) => completeHealthCheck({ kind: parseCheckKind(text) }),
  },
  {
    ...text,
    name: "status-ranges",
    seeds: ["200", "200-299", "200-299,404", " 301 , 500-599"],
    characters: "0123456789-, ",
    parse(text) {
      const kind = { type: "http", path: "/", host: "", expectedStatus: text } as const;
      const { kind: complete } = completeHealthCheck({ kind });
      assert.ok(complete.type === "http");
      assert.equal(isExpectedStatus(complete.expectedStatus, 99), false);
    },
  },
  {
    ...text,
    name: "service-name",
    seeds: ["default", "web-1"],
    characters: "ab.-_/",
    parse: checkServiceName,
  },
  {
    ...text,
    name: "proxy-header",
    encoding: "latin1",
    maxBytes: 8_192,
    seeds: HEADERS,
    characters: "PROXYTCP46. :\r\n\0",
    parse(text) {
      const data = Buffer.from(text, "latin1");
      const parsed = parseProxyHeader(data);
      assert.ok(parsed.status !== "complete" || parsed.size <= data.length);
    },
  },
  {
    ...text,
    name: "http-request",
    maxBytes: 16_384,
    seeds: [
      "/set?backends=localhost:1,b:2&drain=30s",
      "http://h/get?service=web",
      "*",
      `/add\n${FORM}; charset=utf-8\nbackend=a%3A1&drain=0`,
    ],
    characters: "/?&=%#:@+0aF\n;",
    words: ["drain=", "backends=", "service=", FORM, "%00", "%zz"],
    parse: parseRequest,
  },
  {
    ...text,
    name: "config-file",
    maxBytes: 1_536,
    seeds: [CONFIG, "services: {a: &a {listen: [1, 2]}, b: *a}", "a: &a [*a, *a]"],
    characters: "\n :-[]{}&*!|>'\"%@`#,",
    words: ["\n  ", "- ", "? ", "<<: ", "!!binary ", "&a ", "*a", "|\n", "%YAML 1.1\n---\n", "\u2028"],
    parse: (text) => parseConfigFile(text, "f.yaml"),
  },
  {
    ...text,
    name: "tokens-file",
    maxBytes: 1_536,
    seeds: [TOKENS],
    characters: "\n :-[]{}&*!|>'\"#,",
    words: ["\n  ", "- ", "? ", "<<: ", "!!set ", "&a ", "*a", "|\n", "read", "admin"],
    parse: (text) => parseTokens(text, "tokens.yaml"),
  },
  {
    ...text,
    name: "state",
    maxBytes: 4_096,
    seeds: [STATE_BODY],
    characters: '{}[]":,0123456789.-e\\u',
    words: ['"__proto__":', "null", "true", '""', "[]", "{}", ",", '":'],
    parse: (text) => decodeOrRefuse(signed(text)),
  },
  {
    ...text,
    name: "store-url",
    seeds: ["etcd://a:1,[::1]:2/x/y", "etcd://a:1"],
    characters: "etcd:/[],.-_0123456789",
    parse(text) {
      const url = parseStoreUrl(text);
      assert.deepEqual(parseStoreUrl(formatStoreUrl(url)), url);
    },
  },
  {
    ...text,
    name: "shared-list",
    maxBytes: 4_096,
    seeds: [SHARED_LIST],
    characters: '{}[]":,0123456789.-e\\u',
    words: ['"__proto__":', "null", "true", '""', "[]", "{}", '"trial":', '"returnTo":'],
    parse: (text) => refused(() => decodeShared(text)),
  },
  {
    ...text,
    name: "shared-member",
    maxBytes: 4_096,
    seeds: [SHARED_MEMBER],
    characters: '{}[]":,0123456789.-e\\u',
    words: ['"__proto__":', "null", "[]", "{}", '"deploy":', '"services":'],
    parse: (text) => refused(() => decodeMember(text)),
  },
  {
    ...text,
    name: "state-header",
    maxBytes: 4_096,
    seeds: [signed('{"services":[]}'), signed(STATE_BODY)],
    characters: '{}[]":,\n',
    parse: decodeOrRefuse,
  },
];

/** A target, a content type and a body, each in a line. */
async function parseRequest(text: string): Promise<void> {
  const [target = "", type = "", ...body] = text.split("\n");
  const { authority, path, query } = splitTarget(target);
  assert.ok(target.includes(`${authority ?? ""}${path}`));
  const chunks = (body.join("\n").match(/.{1,1000}/gs) ?? []).map((chunk) => Buffer.from(chunk));
  const request = Object.assign(Readable.from(chunks), { method: "POST", headers: { "content-type": type } });
  const form = await readForm(request as unknown as IncomingMessage);
  if (form !== "too large") drainParameter(new URLSearchParams([...form, ...new URLSearchParams(query)]));
}

/** With the right checksum, so that what it guards is reached. */
function signed(body: string): string {
  const text = `${body}\n`;
  const sha256 = createHash("sha256").update(text).digest("hex");
  return `${JSON.stringify({ format: "seamless-state", version: 1, generation: 1, sha256 })}\n${text}`;
}

/** As the file store does; but a bug is to be seen. */
function decodeOrRefuse(text: string): void {
  refused(
    () => decodeState(text),
    (error) => unusableState("state", undefined, error),
  );
}

function refused(decode: () => unknown, refusal: (error: unknown) => Error = storeError): void {
  try {
    decode();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    throw refusal(error);
  }
}
