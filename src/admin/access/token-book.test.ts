import assert from "node:assert/strict";
import { test } from "node:test";
import { authorize } from "./access.js";
import { VERBS, type Verb } from "./principal.js";
import { parseTokens } from "./token-book.js";
import { hashOf } from "./token-hash.js";

const hash = (token: string): string => hashOf(token).toString("hex");
const entry = (name: string, rest = 'verbs: [deploy], services: "*"'): string =>
  `- {name: ${name}, sha256: ${hash(name)}, ${rest}}`;

test("a token is found by its hash, and nothing else is", () => {
  const book = parseTokens(
    [entry("ci"), entry("ops", "verbs: [admin], services: [web, db]")].join("\n"),
    "t",
  );
  assert.equal(book.find("ci")?.name, "ci");
  assert.deepEqual(book.find("ops")?.services, new Set(["web", "db"]));
  for (const wrong of ["", "c", "ci ", "CI", hash("ci")]) assert.equal(book.find(wrong), undefined);
});

test("a verb includes those before it, and a service is one of those named", () => {
  const may = (granted: Verb, asked: Verb, service: string): boolean => {
    const book = parseTokens(entry("x", `verbs: [${granted}], services: [web]`), "t");
    try {
      authorize(book.find("x") ?? assert.fail(), asked, service);
      return true;
    } catch (error) {
      assert.equal((error as { code?: string }).code, "PERMISSION_DENIED");
      return false;
    }
  };
  for (const granted of VERBS)
    for (const asked of VERBS) {
      assert.equal(may(granted, asked, "web"), VERBS.indexOf(asked) <= VERBS.indexOf(granted));
      assert.equal(may(granted, asked, "db"), false);
    }
});

for (const [what, text, says] of [
  ["empty", "", /can't be used: expected a list of tokens; `seamless token NAME` makes its entries$/],
  ["no list", "name: a", /can't be used: expected a list of tokens/],
  ["not YAML", "[", /can't be used/],
  ["an alias of nothing", "*a", /can't be used/],
  ["broken off after a token", '- name: a\n- {name: b, sha256: "secret', /: line 2: Missing closing/],
  // Was minutes of work.
  ["made of mappings as names of fields", "- ? ".repeat(200), /the name of a field is no text/],
  ["without a hash", '- {name: a, verbs: [read], services: "*"}', /0\.sha256/],
  [
    "with a token instead of its hash",
    '- {name: a, sha256: secret, verbs: [read], services: "*"}',
    /0\.sha256: expected 64/,
  ],
  ["with an unknown verb", entry("a", 'verbs: [all], services: "*"'), /0\.verbs\.0/],
  ["without services", entry("a", "verbs: [read], services: []"), /0\.services/],
  ["with two of one name", `${entry("a")}\n${entry("a")}`, /two tokens are named 'a'/],
] as const) {
  test(`a tokens file that is ${what} is refused, and nothing of it is told`, () => {
    assert.throws(
      () => parseTokens(text, "/etc/tokens"),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "CONFIG_INVALID");
        assert.match(error.message, /the tokens file \/etc\/tokens can't be used/);
        assert.match(error.message, says);
        assert.ok(!error.message.includes("secret") && !error.message.includes("\n"));
        return true;
      },
    );
  });
}
