import assert from "node:assert/strict";
import { test } from "node:test";
import { EtcdError } from "./etcd-error.js";
import { CallError } from "./failure.js";
import { Tokens } from "./tokens.js";

const LOGIN = { user: "me", password: "secret" };

function counting(...answers: (string | Error)[]) {
  let logins = 0;
  const tokens = new Tokens<string>(LOGIN, () => {
    const answer = answers[logins] ?? "more";
    logins += 1;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return { tokens, logins: () => logins };
}

test("many calls at once log in once, and again only when that token is refused", async () => {
  const { tokens, logins } = counting("one", "two");
  assert.deepEqual(await Promise.all([tokens.current("c"), tokens.current("c")]), ["one", "one"]);
  assert.equal(logins(), 1);
  assert.deepEqual(await Promise.all([tokens.refuse("one"), tokens.refuse("one")]), [true, true]);
  assert.equal(await tokens.current("c"), "two");
  // A call that was slow to fail with the old one.
  await tokens.refuse("one");
  assert.equal(await tokens.current("c"), "two");
  assert.equal(logins(), 2);
});

test("a login that failed is tried again by the next call, and means that nothing was sent", async () => {
  const late = new CallError({ kind: "unknown", reason: "timeout" }, "late");
  const wrong = new CallError({ kind: "denied", reason: "other" }, "wrong");
  const { tokens } = counting(late, wrong, "one");
  const kindOf = (error: unknown) => error instanceof EtcdError && error.kind;
  assert.equal(await tokens.current("c").catch(kindOf), "unreachable");
  assert.equal(await tokens.current("c").catch(kindOf), "denied");
  assert.equal(await tokens.current("c"), "one");
});

test("no token without a login, nor while etcd's authentication is off", async () => {
  const none = new Tokens<string>(undefined, () => Promise.reject(new Error("never asked")));
  assert.equal(await none.current("c"), undefined);
  assert.equal(await none.refuse(undefined), false);
  const off = counting(new CallError({ kind: "denied", reason: "no-auth" }, "off"), "one");
  assert.equal(await off.tokens.current("c"), undefined);
  assert.equal(await off.tokens.current("c"), undefined);
  assert.equal(off.logins(), 1);
  // It was switched on.
  assert.equal(await off.tokens.refuse(undefined), true);
  assert.equal(await off.tokens.current("c"), "one");
});
