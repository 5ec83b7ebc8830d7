import assert from "node:assert/strict";
import type { LookupAddress } from "node:dns";
import { mock, test, type TestContext } from "node:test";
import { NameResolver } from "./name-resolver.js";

interface Call {
  readonly name: string;
  answer(...addresses: string[]): Promise<void>;
  fail(code: string): Promise<void>;
}

/** A resolver whose name server and clock are the test's. */
function start(t: TestContext): {
  resolver: NameResolver;
  calls: Call[];
  changes: string[];
  tick: (ms: number) => void;
} {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  const calls: Call[] = [];
  const changes: string[] = [];
  const settle = (): Promise<void> => new Promise((done) => setImmediate(done));
  const lookup = (name: string): Promise<readonly LookupAddress[]> =>
    new Promise((resolve, reject) => {
      calls.push({
        name,
        answer: (...addresses) => {
          resolve(addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })));
          return settle();
        },
        fail: (code) => {
          reject(Object.assign(new Error("x"), { code }));
          return settle();
        },
      });
    });
  const resolver = new NameResolver({ lookup, onChange: (name) => changes.push(name) });
  t.after(() => {
    resolver.close();
    mock.timers.reset();
  });
  return { resolver, calls, changes, tick: (ms) => mock.timers.tick(ms) };
}
const call = (calls: Call[], index: number): Call => {
  const found = calls[index];
  assert.ok(found, `look-up ${index} was not made`);
  return found;
};

test("a name is looked up at once, and all its addresses kept in order", async (t) => {
  const { resolver, calls, changes } = start(t);
  resolver.track("web");
  assert.equal(resolver.resolution("web").pending, true);
  await call(calls, 0).answer("::1", "127.0.0.1", "::ffff:127.0.0.1");
  assert.deepEqual(resolver.resolution("web"), {
    addresses: ["::1", "127.0.0.1"],
    error: "",
    pending: false,
  });
  assert.deepEqual(changes, ["web"]);
});

test("it is looked up again after 30 s, and a rotated answer is no change", async (t) => {
  const { resolver, calls, changes, tick } = start(t);
  resolver.track("web");
  await call(calls, 0).answer("10.0.0.1", "10.0.0.2");
  tick(29_999);
  assert.equal(calls.length, 1);
  tick(1);
  await call(calls, 1).answer("10.0.0.2", "10.0.0.1");
  assert.deepEqual(resolver.resolution("web").addresses, ["10.0.0.1", "10.0.0.2"]);
  assert.deepEqual(changes, ["web"]);
  tick(30_000);
  await call(calls, 2).answer("10.0.0.3");
  assert.deepEqual(resolver.resolution("web").addresses, ["10.0.0.3"]);
  assert.deepEqual(changes, ["web", "web"]);
});

test("a name that does not resolve says why and is tried again every second", async (t) => {
  const { resolver, calls, tick } = start(t);
  resolver.track("nope");
  await call(calls, 0).fail("ENOTFOUND");
  assert.deepEqual(resolver.resolution("nope").addresses, []);
  assert.match(resolver.resolution("nope").error, /does not exist \(ENOTFOUND\)/);
  tick(1_000);
  await call(calls, 1).answer("10.0.0.1");
  assert.equal(resolver.resolution("nope").error, "");
});

test("a failed refresh keeps the earlier answer and shows the error", async (t) => {
  const { resolver, calls, tick } = start(t);
  resolver.track("web");
  await call(calls, 0).answer("10.0.0.1");
  tick(30_000);
  await call(calls, 1).fail("EAI_AGAIN");
  assert.deepEqual(resolver.resolution("web").addresses, ["10.0.0.1"]);
  assert.match(resolver.resolution("web").error, /EAI_AGAIN/);
});

test("an empty answer counts as a failure", async (t) => {
  const { resolver, calls } = start(t);
  resolver.track("web");
  await call(calls, 0).answer();
  assert.match(resolver.resolution("web").error, /holds no address/);
});

test("refresh looks up at most once a second, and never twice at once", async (t) => {
  const { resolver, calls, tick } = start(t);
  resolver.track("web");
  resolver.refresh("web");
  await call(calls, 0).answer("10.0.0.1");
  resolver.refresh("web");
  assert.equal(calls.length, 1);
  tick(1_000);
  resolver.refresh("web");
  resolver.refresh("web");
  assert.equal(calls.length, 2);
});

test("at most two look-ups run at once, so that a dead name server can't block the thread pool", async (t) => {
  const { resolver, calls } = start(t);
  for (const name of ["a", "b", "c"]) resolver.track(name);
  assert.deepEqual(
    calls.map(({ name }) => name),
    ["a", "b"],
  );
  await call(calls, 0).answer("10.0.0.1");
  assert.deepEqual(
    calls.map(({ name }) => name),
    ["a", "b", "c"],
  );
});

test("settled waits for first answers, but not longer than it is told", async (t) => {
  const { resolver, calls, tick } = start(t);
  resolver.track("fast");
  resolver.track("slow");
  let done = false;
  const settled = resolver.settled(["fast", "slow"], 200).then(() => (done = true));
  await call(calls, 0).answer("10.0.0.1");
  assert.equal(done, false);
  tick(200);
  await settled;
  await resolver.settled(["fast"], 1_000_000);
});

test("a name is forgotten with its last user, also while it is looked up", async (t) => {
  const { resolver, calls, changes, tick } = start(t);
  resolver.track("web");
  resolver.track("web");
  resolver.release("web");
  await call(calls, 0).answer("10.0.0.1");
  assert.deepEqual(changes, ["web"]);
  tick(30_000);
  resolver.release("web");
  await call(calls, 1).answer("10.0.0.9");
  assert.deepEqual(changes, ["web"]);
  tick(60_000);
  assert.equal(calls.length, 2);
});

test("an answer with more than 16 addresses is cut", async (t) => {
  const { resolver, calls } = start(t);
  resolver.track("web");
  await call(calls, 0).answer(...Array.from({ length: 40 }, (_, i) => `10.0.0.${i}`));
  assert.equal(resolver.resolution("web").addresses.length, 16);
});
