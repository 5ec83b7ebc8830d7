import assert from "node:assert/strict";
import { test } from "node:test";
import { readActivation } from "./activation.js";

test("sockets go to the services they are named after, in order, and each once", () => {
  const activation = readActivation({ LISTEN_PID: "7", LISTEN_FDS: "3", LISTEN_FDNAMES: "web:db:web" }, 7);
  const listen = [1, 2, 3].map((port) => ({ host: "", port }));
  const web = activation.of("web", listen);
  assert.deepEqual(
    listen.map((address) => web.has(address)),
    [true, true, false],
  );
  assert.deepEqual(
    listen.map((address) => web.take(address)?.descriptor),
    [3, 5, undefined],
  );
  assert.ok(listen.every((address) => !web.has(address) && !web.take(address)));
  assert.deepEqual(activation.left, [{ owner: "db", descriptor: 4 }]);
});

test("without names they belong to the default service", () => {
  const activation = readActivation({ LISTEN_PID: "7", LISTEN_FDS: "1" }, 7);
  const address = { path: "/run/s" };
  assert.deepEqual(activation.of("default", [address]).take(address), { descriptor: 3, ownsPath: false });
});

test("sockets for another process are not touched", () => {
  for (const environment of [{}, { LISTEN_PID: "8", LISTEN_FDS: "2" }, { LISTEN_FDS: "2" }])
    assert.deepEqual(readActivation(environment, 7).left, []);
});

test("a number that is none is refused", () => {
  assert.throws(() => readActivation({ LISTEN_PID: "7", LISTEN_FDS: "x" }, 7), { code: "CONFIG_INVALID" });
});
