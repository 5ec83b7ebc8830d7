import assert from "node:assert/strict";
import { test } from "node:test";
import { parseListenAddress } from "../listen-address.js";
import { planReload } from "./reload-steps.js";
import type { ServiceConfig } from "./service-config.js";
import { DEFAULT_SETTINGS } from "./service-settings.js";

/** Services by name, with where they listen. */
type Services = Readonly<Record<string, readonly string[]>>;

const configOf = (services: Services): readonly ServiceConfig[] =>
  Object.entries(services).map(([name, listen]) => {
    return { name, listen: listen.map(parseListenAddress), backends: [], settings: DEFAULT_SETTINGS };
  });

function plan(present: Services, next: Services): string {
  const before = new Map(configOf(present).map((service) => [service.name, service]));
  return planReload(before, configOf(next))
    .map((step) => `${step.do} ${(step.after ?? step.before).name}`)
    .join(", ");
}

test("what is new is opened, then what stays is changed, then what is gone is dropped", () => {
  assert.equal(
    plan({ gone: ["1"], a: ["2"], b: ["3"] }, { b: ["3"], a: ["2", "4"], new: ["5"] }),
    "open new, change b, change a, drop gone",
  );
});

test("who needs the place of another waits for it, also if the addresses only overlap", () => {
  assert.equal(
    plan({ gone: ["127.0.0.1:1"], a: ["2"] }, { a: ["2"], new: ["1"] }),
    "change a, drop gone, open new",
  );
  assert.equal(plan({ gone: ["1"], a: ["2"] }, { a: ["2", "[::1]:1"] }), "drop gone, change a");
  assert.equal(
    plan({ a: ["1"], b: ["unix:/b"] }, { new: ["1"], a: ["unix:/b"], b: ["3"] }),
    "change b, change a, open new",
  );
});

test("port 0 is nobody's place", () => {
  assert.equal(plan({ gone: ["0"] }, { new: ["0"] }), "open new, drop gone");
});

for (const [what, present, next, complaint] of [
  [
    "two that swap their addresses",
    { a: ["127.0.0.1:80"], b: ["127.0.0.1:81"] },
    { a: ["127.0.0.1:81"], b: ["127.0.0.1:80"] },
    "service 'a' can't listen on 127.0.0.1:81 while service 'b' has 127.0.0.1:81, and they wait for each other: upgrade instead " +
      "(SIGUSR2), which does it without a pause, or reload with another address for 'a' first, and then with 127.0.0.1:81",
  ],
  [
    "three that pass theirs on",
    { a: ["1"], b: ["2"], c: ["3"] },
    { a: ["2"], b: ["3"], c: ["1"] },
    /^service 'a' can't listen on :2 while service 'b' has :2, and they wait/,
  ],
  [
    "one that wants more of its own address",
    { a: ["127.0.0.1:80"] },
    { a: ["80"] },
    "service 'a' can't listen on :80 while it still has 127.0.0.1:80: " +
      "reload with another address for 'a' first, and then with :80",
  ],
] as const)
  test(`${what} can't be followed, and what to do is told`, () => {
    assert.throws(() => plan(present, next), { code: "LISTEN_FAILED", message: complaint });
  });

test("the way that is told leads there", () => {
  const [start, between, end] = [
    { a: ["80"], b: ["81"] },
    { a: ["82"], b: ["80"] },
    { a: ["81"], b: ["80"] },
  ];
  assert.deepEqual([plan(start, between), plan(between, end)], ["change a, change b", "change a, change b"]);
});
